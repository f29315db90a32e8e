#include "client/library/pending_task.h"

#include <utility>

#include "client/library/core.h"

namespace kiln::v1 {

PendingTask::PendingTask(std::weak_ptr<Core> core, std::uint64_t number, std::string name)
    : core_(std::move(core)), number_(number), name_(std::move(name)) {}

std::vector<TaskCallback> PendingTask::end(Result<TaskResult> result) {
  std::vector<TaskCallback> callbacks;
  {
    const std::lock_guard lock(mutex_);
    if (result_) return {};
    result_.emplace(std::move(result));
    callbacks.swap(callbacks_);
  }
  ended_.notify_all();
  return callbacks;
}

const Result<TaskResult>* PendingTask::result() const {
  const std::lock_guard lock(mutex_);
  return result_ ? &*result_ : nullptr;
}

const Result<TaskResult>& PendingTask::wait() const {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return result_.has_value(); });
  return *result_;
}

bool PendingTask::wait_for(Duration time) const {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, time, [this] { return result_.has_value(); });
}

bool PendingTask::keep(TaskCallback& callback) {
  const std::lock_guard lock(mutex_);
  if (result_) return false;
  callbacks_.push_back(std::move(callback));
  return true;
}

bool Future::ready() const {
  return task_->result() != nullptr;
}

const Result<TaskResult>& Future::get() const& {
  return task_->wait();
}

Result<TaskResult> Future::get() && {
  return task_->wait();
}

bool Future::wait_for(std::chrono::milliseconds time) const {
  return task_->wait_for(time);
}

void Future::cancel() const {
  if (const auto core = task_->core()) core->cancel(task_->number());
}

void Future::then(TaskCallback callback) const {
  if (!callback || task_->keep(callback)) return;
  Core::call(callback, *task_->result(), task_->core().get());
}

}  // namespace kiln::v1
