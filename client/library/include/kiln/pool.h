// A pool: a named set of executors on selected nodes, made ready before the work arrives.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <kiln/future.h>
#include <kiln/result.h>
#include <kiln/task.h>

namespace kiln::v1 {

// How a pool makes its executors.
enum class Context {
  spawn,       // each is a fresh process that runs the initializer itself
  fork,        // forks of one template per node, which ran the initializer once
  forkserver,  // each holds the pool's programs stopped before main, and forks them for its tasks
};

// A time of the week, in the coordinator's time zone, in which more is kept ready.
struct WarmWindow {
  std::uint8_t days = 0x7f;      // bit 0: Monday … bit 6: Sunday
  std::chrono::minutes from{0};  // since midnight, before 24 h
  std::chrono::minutes to{0};    // likewise; not after `from`: it ends on the next day
  std::uint32_t ready = 0;       // executors, on all nodes together
};

struct PoolSpec {
  std::string name = {};
  Context context = Context::spawn;
  std::vector<std::string> toolchains = {};         // commands as on this machine: g++
  std::vector<std::vector<std::string>> init = {};  // the initializer's steps, argv each
  std::chrono::milliseconds init_limit{60'000};
  std::vector<std::string> keep_resident = {};  // files of the toolchain kept in the page cache
  std::vector<std::string> probe = {};  // a command that must end well before an executor is ready
  std::uint32_t executors = 0;          // on each node; 0: as many as the node has slots
  std::vector<std::string> nodes =
      {};                      // labels that must hold: zone=a, gpu, !spot; none: all nodes
  std::uint32_t min_warm = 0;  // executors kept ready, on all nodes together
  std::vector<WarmWindow> windows = {};  // the largest that applies counts, if above min_warm
  std::chrono::milliseconds idle{0};     // without a task until a node's executors go; 0: never
  Limits limits = {};                    // upper bounds of its tasks' own
  Environment environment = {};          // of the initializer
};

// How many executors are to be ready, on all nodes together.
class Warm {
 public:
  static Warm none() { return Warm(0, false); }
  static Warm all() { return Warm(0, true); }
  static Warm executors(std::uint32_t count) { return Warm(count, false); }

  bool is_all() const { return all_; }
  std::uint32_t count() const { return count_; }

 private:
  Warm(std::uint32_t count, bool all) : count_(count), all_(all) {}
  std::uint32_t count_;
  bool all_;
};

// A pool on one node.
struct NodeWarmth {
  std::string node = {};
  std::string node_state = {};  // ready, draining, lost
  std::string state = {};       // cold, warming, ready, quiesced, broken
  bool answered = false;        // it has said how it stands since the newest order
  std::uint32_t wanted = 0;     // executors that it was asked to have ready
  std::uint32_t starting = 0;
  std::uint32_t ready = 0;
  std::uint32_t busy = 0;
  std::uint32_t broken = 0;
  std::string reason = {};  // why it is broken, or why the last try failed
  std::string output = {};  // the end of what the initializer wrote last, however it ended
  int exit_code = 0;        // of the initializer's step then
  // The last warm-up, of the slowest executor.
  std::chrono::microseconds stage{0};
  std::chrono::microseconds start{0};
  std::chrono::microseconds initialise{0};
};

struct PoolStatus {
  std::string name = {};
  std::uint64_t version = 0;           // of its definition
  bool existed = false;                // when it was to be made: it was there already
  std::vector<NodeWarmth> nodes = {};  // the selected ones, by name
};

struct WarmUp {
  std::chrono::milliseconds limit{300'000};
  // Called now and then by the thread that waits.
  std::function<void(const PoolStatus&)> progress;
};

// A pool as one user of it sees it. Destroying it or close() ends what this object submitted, not
// what others did, and leaves the pool itself on the farm. Thread-safe; calls other than submit
// block until the farm has answered, so they are not for callbacks.
class Pool {
 public:
  Pool(Pool&&) noexcept;
  Pool& operator=(Pool&&) noexcept;
  ~Pool();

  const std::string& name() const;

  // Never blocks and never fails by itself: what is wrong is in the future. Tasks of a pool that
  // is warming up wait their turn.
  Future submit(Task task);
  Future submit(Task task, TaskCallback callback);

  Result<PoolStatus> status() const;
  // Returns when it is so; Failure::timed_out names the nodes that it still waited for.
  Result<PoolStatus> warm(Warm warm, const WarmUp& options = {});
  // Stops the executors that have no task, the others after theirs; the next task or wake() brings
  // them back.
  Status quiesce();
  Status wake();
  Status resize(std::uint32_t executors_per_node);
  // Deletes the pool on the farm, for everybody, and closes this one.
  Status remove();

  // Pending futures of this object end as `closed`; when it returns, the last of its callbacks has
  // (unless it is called from one).
  void close();

 private:
  friend class Client;
  class Handle;
  explicit Pool(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace kiln::v1
