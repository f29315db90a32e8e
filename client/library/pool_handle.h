// What a Pool object is.
#pragma once

#include <memory>
#include <string>

#include <kiln/pool.h>

#include "client/library/core.h"

namespace kiln::v1 {

class Pool::Handle {
 public:
  Handle(std::shared_ptr<Core> core, std::string name);
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  const std::string& name() const { return name_; }
  Future submit(Task task, TaskCallback callback);
  // A command about this pool; `ask` reads from the answer how the pool stands.
  Result<std::string> command(const std::string& action, const std::string& argument = {}) const;
  Result<PoolStatus> ask(const std::string& action, const std::string& argument = {}) const;
  Result<PoolStatus> wait_warm(Warm asked, const WarmUp& options, PoolStatus status) const;
  void close();

 private:
  const std::shared_ptr<Core> core_;
  const std::string name_;
  const Core::Owner owner_;
};

}  // namespace kiln::v1
