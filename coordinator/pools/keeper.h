// Keeps the pools: which there are, which nodes are whose, and what each node must be told.
//
// The idea: what a node should know (an order for each pool) follows from the definitions, the
// nodes, the wishes and the time. After each input the orders of the pools that it touched are made
// anew and compared with what the node was last told; only the difference is sent. A node that
// comes (back) is told everything, after its own report was heard or a second has passed: so a
// coordinator that lost its disk learns before it speaks. Nothing is ever asked twice, as wishes
// are numbered and all else is absolute.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/pools/catalog.h"
#include "coordinator/pools/node_selector.h"
#include "coordinator/pools/source_book.h"
#include "coordinator/pools/types.h"
#include "coordinator/scheduling/random.h"

namespace kiln::coordinator {

// What one or more inputs led to.
struct KeeperOutputs {
  std::vector<WorkerOrders> orders;
  std::vector<PoolSelection> selections;  // for the scheduler
  bool definitions_changed = false;       // they should be stored
};

class PoolKeeper {
 public:
  // `epoch`: of this coordinator's life, never 0.
  PoolKeeper(std::uint64_t seed, std::uint64_t epoch);

  // What was stored, before anything else.
  void load(const std::vector<PoolDefinition>& definitions, const Moment& moment);
  // The operator's word: made, or put in the place of what has its name, also where that is only
  // learned of later. Errors as of PoolCatalog::put.
  Status put(const PoolSpec& spec, const Moment& moment);

  // The node said hello, and the scheduler took it.
  void joined(const NodeView& node, const Moment& moment);
  // Its state or its staged toolchains may have changed. Unknown nodes are ignored.
  void seen(const NodeView& node, const Moment& moment);
  // It is not listed any more.
  void forgotten(const std::string& node);
  void reported(const WorkerReport& report, const Moment& moment);
  // Orders for it could not be sent: it is told everything again.
  void unsent(const std::string& node, const Moment& moment);

  // `existed`: as of PoolCatalog::create; what follows is in take().
  Result<bool> change(const PoolRequest& request, const Moment& moment);
  // `requests` for leases of a pool wait longer than a moment: cold nodes are wished warm.
  void burst(const std::string& pool, std::uint32_t requests, const Moment& moment);

  void tick(const Moment& moment);
  // When the next tick is due; nullopt: nothing waits for time.
  std::optional<TimePoint> next_deadline() const;
  // What the inputs since the last call led to.
  KeeperOutputs take() { return std::exchange(out_, {}); }

  // The pool's living nodes, and of each the number of an order that has all that was decided.
  std::map<std::string, std::uint64_t> awaited(const std::string& pool) const;
  // Whether what the node said last of the pool is since that order. True also of a node that is
  // lost or not the pool's.
  bool took_up(const std::string& node, const std::string& pool, std::uint64_t order) const;

  const PoolCatalog& catalog() const { return catalog_; }
  // The pool of that name; of an empty one all pools, `default` first. Empty: there is none.
  std::vector<PoolView> views(const std::string& name) const;

 private:
  // Nodes come and go in crowds, so that the spreads are made anew for many of them at once.
  static constexpr Duration kCrowd = milliseconds(100);
  static constexpr Duration kSourcesEvery = seconds(1);
  // A node that vanishes so long after a wish for warmth has its part made up for by others.
  static constexpr Duration kWishLasts = std::chrono::minutes(2);

  using StagePtr = std::shared_ptr<const std::vector<PoolToolchain>>;  // never null
  // What a node is to know of a pool.
  struct Order {
    DefinitionPtr definition;
    bool selected = false;
    std::uint32_t keep_ready = 0;
    std::uint64_t wish_number = 0;
    PoolWish wish = PoolWish::none;
    std::uint32_t warm = 0;
    StagePtr stage;
    std::vector<std::string> sources;
    friend bool operator==(const Order&, const Order&) = default;
  };
  // A pool on a node.
  struct Standing {
    Order order;
    std::optional<Order> told;  // what the node was told; none: nothing, or no one knows
    bool known = false;         // the node has heard of the pool some time
    TimePoint sources_at{};     // when it was last given sources
    std::shared_ptr<const PoolOnNode> report;
    std::uint64_t told_at = 0;  // among all events; the number of the order
    std::uint64_t reported_at = 0;
    std::uint64_t reflected = 0;  // the number of the order that its last report is since
  };
  struct Node {
    std::shared_ptr<const NodeInfo> info;
    std::shared_ptr<const Occupancy> occupancy;
    NodeState state = NodeState::ready;
    std::optional<TimePoint> introduce_at;  // it was not told everything yet
    bool numbers = false;                   // its reports say which orders they reflect
    std::map<std::string, Standing> pools;
  };
  struct Pool {
    DefinitionPtr definition;
    NodeSelector selector;
    std::vector<PoolToolchain> extra;        // to be staged beyond its own
    std::map<std::string, StagePtr> stages;  // its own and these, by architecture
    std::set<std::string> nodes;             // the selected ones
    std::uint32_t kept_ready = 0;            // by its definition, when that was last looked at
    std::optional<TimePoint> sources_at;     // when sources were last given
    std::optional<TimePoint> burst_at;       // when cold nodes were last woken for requests
    // The last wish for warmth: its executors are found other nodes when theirs vanish soon after.
    std::uint32_t warm_total = 0;
    TimePoint warm_until{};
    bool warm_waits = false;  // no node was there for it: it is for those that come next
    bool makes_up(TimePoint now) const {
      return warm_total > 0 && (now <= warm_until || warm_waits);
    }
    void wish_nothing() {
      warm_total = 0;
      warm_waits = false;
    }
  };

  void define(const DefinitionPtr& definition, const Moment& moment);
  void insist(const std::string& name, const Moment& moment);
  bool selects(const Pool& pool, const Node& node) const;
  // True when that is news.
  bool select(const std::string& name, Pool& pool, Node& node);
  void mark(const std::string& pool, TimePoint when);
  void mark_spreads(const Node& node, const Moment& moment);
  void mark_stages(const std::vector<Digest>& toolchains, const Moment& moment);
  void take_over(Node& node, const NodeView& view, const Moment& moment);
  void introduce_at(Node& node, std::optional<TimePoint> when);
  void tell_all_again(Node& node, TimePoint when);
  static void forget_report(Standing& standing);
  void hear_definition(Node& node, const PoolDefinition& heard, const Moment& moment);
  void look_at_the_clock(const Moment& moment);
  void drop_forgotten();

  // keeper_changes.cc
  Status is_possible(const PoolRequest& request, const Moment& moment) const;
  Status warm(const PoolRequest& request, bool all, const Moment& moment);
  void wish_of_nodes_to_come(const PoolRequest& request, const Moment& moment);
  Status quiesce(const std::string& name, const Moment& moment);
  void stage_too(Pool& pool, const std::vector<PoolToolchain>& toolchains);
  void wish(Standing& standing, PoolWish wish, std::uint32_t warm);
  // Its living nodes that `fits`, by name, and the most executors that each can have.
  template <typename Fits>
  std::vector<Share> shares_of(const std::string& name, const Pool& pool, Fits&& fits) const {
    std::vector<Share> shares;
    for (const auto& worker : pool.nodes) {
      const auto& node = nodes_.at(worker);
      if (node.state != NodeState::ready || !fits(node.pools.at(name))) continue;
      shares.push_back({worker, most_executors(pool, node), 0});
    }
    return shares;
  }
  static std::uint32_t most_executors(const Pool& pool, const Node& node);

  // keeper_orders.cc
  void settle(const Moment& moment);
  void settle_pool(const std::string& name, Pool& pool, const Moment& moment);
  void spread_ready(const std::string& name, Pool& pool, const Moment& moment);
  void spread_wish(const std::string& name, Pool& pool, const Moment& moment);
  void spread_sources(const std::string& name, Pool& pool, const Moment& moment);
  const StagePtr& stage_of(Pool& pool, const std::string& architecture);
  bool lacks(const std::string& node, const StagePtr& stage) const;
  bool concerns(const Pool& pool, const Standing& standing) const;
  PoolOrder tell(Standing& standing);
  void introduce(Node& node);

  // keeper_view.cc
  PoolView view_of(const std::string& name, const Pool& pool) const;
  static bool reflects(const Node& node, const Standing& standing, std::uint64_t order);

  const std::uint64_t epoch_;
  Random random_;
  PoolCatalog catalog_;
  std::map<std::string, Pool> pools_;  // deleted ones too, and `default`
  std::map<std::string, Node> nodes_;
  std::map<std::string, PoolSpec> operators_;  // what the operator said, by name
  SourceBook sources_;
  // Nodes that were not told everything yet, by when they are.
  std::set<std::pair<TimePoint, std::string>> strangers_;
  std::map<std::string, TimePoint> due_;  // pools whose orders must be looked at
  std::optional<TimePoint> clock_at_;     // a window opens or closes, or old things are forgotten
  std::uint64_t next_wish_ = 1;
  std::uint64_t events_ = 1;
  KeeperOutputs out_;
};

}  // namespace kiln::coordinator
