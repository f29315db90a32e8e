// The end of a task that is under way.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <kiln/result.h>
#include <kiln/task.h>

namespace kiln::v1 {

class PendingTask;

// Called once with a task's end, on the library's own thread, which serves every task of the
// client: it must not block, and must not wait for a future. What it throws is dropped and counted
// (Client::dropped_exceptions).
using TaskCallback = std::function<void(const Result<TaskResult>&)>;

// Copies speak of the same task. Dropping them all changes nothing for the task. Thread-safe.
class Future {
 public:
  Future() = default;  // of no task; only valid() may be asked

  bool valid() const { return task_ != nullptr; }
  bool ready() const;
  // Waits for the end. The reference lives as long as a Future of this task does.
  const Result<TaskResult>& get() const&;
  Result<TaskResult> get() &&;
  // False when it has not ended by then.
  bool wait_for(std::chrono::milliseconds time) const;
  // Asks for the end; returns at once. The future ends as cancelled, unless its task ends first.
  // Once it has ended as cancelled none of its outputs is written any more, and its processes are
  // being killed.
  void cancel() const;
  // In the calling thread and at once when the task has ended already.
  void then(TaskCallback callback) const;

 private:
  friend class Core;
  explicit Future(std::shared_ptr<PendingTask> task) : task_(std::move(task)) {}
  std::shared_ptr<PendingTask> task_;
};

}  // namespace kiln::v1
