// What a future and the library's thread share of one task.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <kiln/future.h>

#include "common/base/time.h"

namespace kiln::v1 {

class Core;

class PendingTask {
 public:
  PendingTask(std::weak_ptr<Core> core, std::uint64_t number, std::string name);

  std::uint64_t number() const { return number_; }
  const std::string& name() const { return name_; }
  TimePoint begun() const { return begun_; }

  // Ends the task; returns the callbacks that are to be called. The first end counts, others have
  // no effect and no callbacks.
  std::vector<TaskCallback> end(Result<TaskResult> result);
  // Null until the end.
  const Result<TaskResult>* result() const;

  const Result<TaskResult>& wait() const;
  bool wait_for(Duration time) const;
  // True when the callback is kept; false when the task has ended: call it.
  bool keep(TaskCallback& callback);
  std::shared_ptr<Core> core() const { return core_.lock(); }

 private:
  const std::weak_ptr<Core> core_;
  const std::uint64_t number_;
  const std::string name_;
  const TimePoint begun_ = Clock::now();
  mutable std::mutex mutex_;
  mutable std::condition_variable ended_;
  std::optional<Result<TaskResult>> result_;  // never changes once it is there
  std::vector<TaskCallback> callbacks_;
};

}  // namespace kiln::v1
