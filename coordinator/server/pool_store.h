// The definitions of pools on the coordinator's disk, written off the reactor.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/thread_pool.h"
#include "common/net/reactor.h"
#include "coordinator/pools/types.h"

namespace kiln::coordinator {

class PoolStore {
 public:
  // `file` is replaced as a whole at each change. `failed` is called on the reactor's thread.
  PoolStore(net::Reactor& reactor, std::filesystem::path file,
            std::function<void(const Error&)> failed);
  // Writes what is not written yet.
  ~PoolStore();
  PoolStore(const PoolStore&) = delete;
  PoolStore& operator=(const PoolStore&) = delete;

  // What was stored; nothing when there is no such file yet. Blocking. Errc::corrupt: it cannot be
  // read, and was put aside under the name that the error tells.
  static Result<std::vector<PoolDefinition>> load(const std::filesystem::path& file);

  // Never blocks: changes that come while one is written are written together after it. A failed
  // one is tried again after some seconds.
  void store(std::vector<DefinitionPtr> definitions);

 private:
  void write();
  void written(const Status& status);

  net::Reactor& reactor_;
  std::filesystem::path file_;
  std::function<void(const Error&)> failed_;
  std::vector<DefinitionPtr> newest_;
  bool unwritten_ = false;
  bool writing_ = false;
  net::TimerId retry_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  ThreadPool writer_{1};  // last: it ends first
};

}  // namespace kiln::coordinator
