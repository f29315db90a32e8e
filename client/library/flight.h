// Which tasks are pending, and which of them the agent has: bookkeeping without threads or sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "common/wire/messages.h"

namespace kiln::v1 {

class PendingTask;

class Flight {
 public:
  using Number = std::uint64_t;
  using Owner = std::uint64_t;  // the pool object that it was submitted through
  using TaskPtr = std::shared_ptr<PendingTask>;

  explicit Flight(std::size_t max_pending) : max_pending_(max_pending) {}

  // How many the agent takes at a time; 0: there is no agent.
  void set_window(std::size_t tasks) { window_ = tasks; }

  // False when too many are pending already.
  bool add(Owner owner, wire::SessionTask message, TaskPtr task);
  // The next task that is to be sent, in the order of their coming.
  std::optional<wire::SessionTask> next();

  enum class Cancel { unknown, was_waiting, was_sent };
  // One that was only waiting is over and given back in `task`; one that was sent ends with the
  // agent's answer.
  Cancel cancel(Number number, TaskPtr& task);
  // The agent has answered. Null when nobody waits for it any more.
  TaskPtr end(Number number);
  // Gives up an owner's tasks: `sent` are to be cancelled, and are still the agent's until it
  // answers.
  struct Dropped {
    std::vector<TaskPtr> tasks;
    std::vector<Number> sent;
  };
  Dropped drop(Owner owner);
  // The agent is gone, and with it all that is pending.
  std::vector<TaskPtr> take_all();

  std::size_t pending() const { return pending_; }
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t sent() const { return entries_.size() - waiting_.size(); }

 private:
  struct Entry {
    Owner owner = 0;
    TaskPtr task;  // null: dropped
    std::optional<wire::SessionTask> message;
  };
  const std::size_t max_pending_;
  std::size_t window_ = 0;
  std::size_t pending_ = 0;  // entries with a task
  std::unordered_map<Number, Entry> entries_;
  std::set<Number> waiting_;
};

}  // namespace kiln::v1
