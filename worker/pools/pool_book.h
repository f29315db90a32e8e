// What several coordinators want of this node's pools, merged: pure.
//
// Each coordinator sends absolute orders; none knows of the others'. Of a pool's definition the
// highest version wins, so that a coordinator which was away cannot bring back what was changed or
// deleted meanwhile: a deletion is kept as a tombstone for 30 days. A pool is here if any
// coordinator that knows the definition in force selects this node, and as many executors are kept
// ready as the most demanding of them says. The default pool has no definition; orders for it may
// only have toolchains staged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/model/pool.h"
#include "worker/pools/pool_terms.h"

namespace kiln::worker {

class PoolBook {
 public:
  using Coordinator = std::string;  // its stable address
  struct Wish {
    std::string pool;
    PoolWish wish = PoolWish::none;
    std::uint32_t warm = 0;
  };
  // What an order changed. Names are sorted.
  struct Changes {
    std::vector<std::string> terms;  // pools whose terms are other ones now
    std::vector<Wish> wishes;        // to be carried out, in this order
    bool definitions = false;        // what is kept on disk has changed
  };

  // From this node's own disk.
  void learn(const std::vector<PoolDefinition>& definitions, std::uint64_t now_s);
  // `epoch`: of the coordinator's process; what an earlier one ordered is void. `now_s`: seconds
  // since 1970.
  Changes apply(const Coordinator& from, std::uint64_t epoch, bool complete,
                const std::vector<PoolOrder>& orders, std::uint64_t now_s);

  // A coordinator that nobody hears of cannot take its orders back: an hour after it was last here
  // they are void, and of its pools the definitions alone are kept. It sends them anew when it
  // comes back.
  static constexpr std::uint64_t kOrdersLastSeconds = 3600;
  void here(const Coordinator& coordinator);
  void gone(const Coordinator& coordinator, std::uint64_t now_s);
  // The pools whose terms are other ones now, sorted.
  std::vector<std::string> forget_gone(std::uint64_t now_s);

  // Of the coordinator's order for the pool that is in force; 0: there is none of that epoch.
  std::uint64_t order_number(const Coordinator& coordinator, std::uint64_t epoch,
                             const std::string& pool) const;
  // Of a pool that is not known: not selected, version 0.
  PoolTerms terms(const std::string& pool) const;
  // Every definition and tombstone, by name.
  std::vector<PoolDefinition> definitions() const;

 private:
  struct Orders {
    std::uint64_t epoch = 0;
    std::map<std::string, PoolOrder> orders;
    std::map<std::string, std::uint64_t> carried_out;  // wish numbers
    std::optional<std::uint64_t> gone_since_s;
  };
  bool merge(const PoolDefinition& definition, std::uint64_t now_s);
  bool expire(std::uint64_t now_s);

  std::map<std::string, PoolDefinition> definitions_;
  std::map<Coordinator, Orders> coordinators_;
};

}  // namespace kiln::worker
