// The way to the farm: one connection to the user's agent, which is started if none runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <kiln/pool.h>
#include <kiln/result.h>
#include <kiln/task.h>

namespace kiln::v1 {

struct Options {
  // Of the caller: where the agent's socket and farm are (KILN_SOCKET, KILN_COORDINATOR, …), and
  // what tasks see that say nothing else. Unset: this process's own.
  std::optional<Environment> environment = {};
  std::string cwd = {};     // absolute; empty: this process's own
  std::string socket = {};  // of the agent; empty: as the environment says
  // The agent's program, in case none runs; empty: $KILN_AGENT, else kiln-agent beside this
  // program, else on PATH.
  std::string agent = {};
  std::size_t max_pending = 65'536;  // tasks; those beyond fail as overloaded at once
  // How long a task waits while none like it gets a slot. While its pool is warming it begins anew
  // each time that the coordinator says so (every 10 s, its --request-patience). Without any
  // coordinator or node it waits 10 s at most.
  std::chrono::milliseconds patience{600'000};
  // An agent that says nothing for so long, though it is asked, counts as lost.
  std::chrono::milliseconds silence{20'000};
};

// Destroying it, or close(), closes its pools. Thread-safe.
class Client {
 public:
  // Failure::no_agent when there is none to be had, unsupported when it is another version's,
  // inside_task when this process, or Options::environment, is that of a task of Kiln's
  // (KILN_EXECUTOR is set): pools do not nest.
  static Result<Client> connect(const Options& options = {});

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // Makes the pool, or finds the same one that somebody else has made, and returns it once it is as
  // warm as asked: every selected node that lives has what is wanted of it or is broken, and not
  // all are. Failure::pool_differs names what differs from the pool of that name; pool_broken,
  // initializer_failed and initializer_timed_out say what happened on the first such node;
  // timed_out names what it still waited for. The pool's definition stays whatever happens.
  Result<Pool> new_pool(const PoolSpec& spec, Warm warm, const WarmUp& options = {});
  // A pool that is there already; Failure::no_pool if it is not.
  Result<Pool> find_pool(const std::string& name);
  // The pool of calls that name none: it is always there.
  Pool default_pool();

  std::size_t pending() const;  // tasks that have not ended
  std::uint64_t dropped_exceptions() const;
  // Pending futures end as `closed`.
  void close();

 private:
  explicit Client(std::shared_ptr<class Core> core);
  std::shared_ptr<class Core> core_;
};

}  // namespace kiln::v1
