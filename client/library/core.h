// The library's engine: one thread that owns the connection to the agent and ends every task.
//
// Callers only take a lock, put something down and wake the thread. Whatever ends a task passes
// through `ended_`, so that all callbacks come from that thread and none holds the lock. A lost
// connection ends all that is pending; the next task or command opens another.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <kiln/client.h>

#include "client/library/flight.h"
#include "client/library/open_session.h"
#include "client/library/pending_task.h"
#include "client/library/session_link.h"
#include "common/base/time.h"

namespace kiln::v1 {

// What tasks have that say nothing else.
struct Defaults {
  Environment environment;
  std::string cwd;
  std::uint32_t umask = 022;
  std::chrono::milliseconds patience{0};
};

class Core : public std::enable_shared_from_this<Core> {
 public:
  using Owner = Flight::Owner;
  struct Setup {
    std::function<kiln::Result<OpenedSession>()> open;
    std::size_t max_pending = 65'536;
    Duration silence = seconds(20);
    Defaults defaults;
  };

  // Opens the first session in the calling thread. Failure::no_agent or unsupported.
  static Result<std::shared_ptr<Core>> start(Setup setup);
  ~Core();

  const Defaults& defaults() const { return setup_.defaults; }
  Owner new_owner();

  // `message` without its number. Never blocks.
  Future submit(Owner owner, wire::SessionTask message, std::string name, TaskCallback callback);
  void cancel(std::uint64_t number);
  // Blocks until the agent has answered: with JSON. Not for the library's thread.
  Result<std::string> command(wire::Command command);
  // Waits; false when the client was closed meanwhile.
  bool pause(Duration time);

  void close_owner(Owner owner);
  void close();

  std::size_t pending() const;
  std::uint64_t dropped_exceptions() const;
  // Calls a callback, and counts in `core` (may be null) what it throws.
  static void call(const TaskCallback& callback, const Result<TaskResult>& result, Core* core);

 private:
  struct Question {
    wire::Command command;
    std::optional<Result<std::string>> answer;
  };
  struct Ended {
    Flight::TaskPtr task;
    Result<TaskResult> result;
  };
  using Lock = std::unique_lock<std::mutex>;

  explicit Core(Setup setup);
  void run();
  void turn();
  void connect_if_wanted();
  void fill();
  void wait();
  void take_in();
  void handle(wire::Envelope envelope);
  void check_silence();
  void lose(const Error& why);
  void deliver();
  bool on_own_thread() const { return std::this_thread::get_id() == thread_id_; }
  // With the lock.
  void wake();
  void end(Flight::TaskPtr task, Result<TaskResult> result);
  void end_all(const Error& why);
  void answer(Result<std::string> answer);
  bool stopping() const;

  const Setup setup_;
  const UniqueFd wakeup_;            // an eventfd
  std::optional<SessionLink> link_;  // the thread's own, as are the next two
  TimePoint heard_;
  bool asked_ = false;  // for a sign of life
  std::thread::id thread_id_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Flight flight_;
  std::deque<std::uint64_t> cancels_;
  std::deque<std::shared_ptr<Question>> questions_;
  std::shared_ptr<Question> asked_question_;  // that the agent has
  std::deque<Ended> ended_;
  std::uint64_t to_deliver_ = 0;  // ends so far, and those of them that are delivered
  std::uint64_t delivered_ = 0;
  std::uint64_t last_number_ = 0;
  Owner last_owner_ = 0;
  std::set<Owner> owners_;  // that are not closed
  std::uint64_t dropped_exceptions_ = 0;
  bool awake_ = false;
  bool stopping_ = false;
  std::mutex join_mutex_;
  std::thread thread_;
};

}  // namespace kiln::v1
