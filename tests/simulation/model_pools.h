// A worker's pools as the protocol promises them: absolute orders, wishes carried out once, the
// definition that counts before others, all of them kept on its disk.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coordinator/pools/types.h"

namespace kiln::simulation {

class ModelPools {
 public:
  struct Pool {
    PoolDefinition definition;
    bool selected = false;
    PoolOnNode standing;
    std::map<std::size_t, std::uint32_t> keep_ready;  // by coordinator
  };

  // Takes orders of the coordinator's epoch; the names of the pools of which something changed.
  std::vector<std::string> take(std::size_t coordinator, std::uint64_t epoch,
                                const coordinator::WorkerOrders& orders);
  // Of all pools, or of these, for one coordinator: it says which of its orders it reflects.
  coordinator::WorkerReport report_all(const NodeInfo& info, std::size_t coordinator) const;
  coordinator::WorkerReport report(const NodeInfo& info, std::size_t coordinator,
                                   const std::vector<std::string>& names) const;
  // The process dies; its disk does not.
  void crash();

  bool serves(const std::string& pool) const;
  const std::map<std::string, Pool>& pools() const { return pools_; }

 private:
  using Wish = std::pair<std::uint64_t, std::string>;  // coordinator's epoch, pool
  struct Orders {
    std::uint64_t epoch = 0;                       // of the coordinator that gave them
    std::map<std::string, std::uint64_t> numbers;  // of the last for each pool
  };

  void obey(Pool& pool, std::uint64_t epoch, const PoolOrder& order);

  std::map<std::string, Pool> pools_;
  std::map<Wish, std::uint64_t> wishes_;  // the newest that was seen
  std::map<std::size_t, Orders> orders_;  // by coordinator
};

}  // namespace kiln::simulation
