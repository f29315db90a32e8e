// A worker's connection to one coordinator: announces the node, reports occupancy, learns the
// secret of the lease tokens. The worker lives on without it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/model/node.h"
#include "common/net/dealer.h"
#include "common/net/reactor.h"

namespace kiln::worker {

class CoordinatorLink {
 public:
  // Gives the node's state at the moment of asking.
  using Describe = std::function<Occupancy()>;

  // `keys`: one of them is the coordinator's, where the context has an identity.
  static Result<std::unique_ptr<CoordinatorLink>> connect(net::Reactor& reactor,
                                                          net::Context& context, Logger log,
                                                          const std::string& endpoint,
                                                          NodeInfo node, Describe describe,
                                                          std::vector<PublicKey> keys = {});
  ~CoordinatorLink();

  // What becomes of the coordinator's wishes, and what it is told of pools when it has welcomed
  // this worker. Call it before the reactor runs.
  struct PoolHooks {
    std::function<void(const wire::PoolOrders&)> ordered;
    std::function<wire::PoolReport()> complete;
    // The number of the order for a pool that is in force; 0: there is none of that epoch.
    std::function<std::uint64_t(const std::string& pool, std::uint64_t epoch)> order_number;
  };
  void serve_pools(PoolHooks hooks) { pools_ = std::move(hooks); }
  // What becomes of the coordinator's word on whom to let in.
  void on_admissions(std::function<void(const wire::Admissions&)> fn) {
    admissions_ = std::move(fn);
  }
  // What becomes of its word on whether this worker takes new tasks.
  void on_node_order(std::function<void(const wire::NodeOrder&)> fn) {
    node_order_ = std::move(fn);
  }
  // What becomes of its questions about this process' log.
  void on_log_change(std::function<Result<wire::LogState>(const wire::LogChange&)> fn) {
    log_change_ = std::move(fn);
  }
  // Tells how pools stand, if the coordinator knows us; who it comes from, and which of its orders
  // that is since, are filled in.
  void report_pools(wire::PoolReport report);
  const std::string& endpoint() const { return endpoint_; }

  // Sends the state now, if the coordinator knows us.
  void report();
  // Leaves in good order.
  void goodbye(const std::string& reason);

  bool welcomed() const { return welcomed_; }
  // How often it knew us and then did not any more.
  std::uint64_t losses() const { return losses_; }
  // Whether `lease` was signed by this coordinator, now or under an earlier epoch of its: leases of
  // a coordinator that has just been restarted stay good until they expire.
  bool verifies(const Lease& lease) const;

 private:
  CoordinatorLink(net::Reactor& reactor, Logger log, std::string endpoint, NodeInfo node,
                  Describe describe, std::unique_ptr<net::Dealer> dealer);
  void connection_changed(bool connected);
  void receive(wire::Frames frames);
  void welcomed_by(const wire::WorkerWelcome& welcome);
  void answer(const wire::LogChange& change);
  void refused(const Error& error);
  void forget_welcome();
  std::string why_rejected() const;
  void send(const wire::Message& message);
  void beat();

  net::Reactor& reactor_;
  Logger log_;
  std::string endpoint_;
  NodeInfo node_;
  Describe describe_;
  PoolHooks pools_;
  std::function<void(const wire::Admissions&)> admissions_;
  std::function<void(const wire::NodeOrder&)> node_order_;
  std::function<Result<wire::LogState>(const wire::LogChange&)> log_change_;
  std::unique_ptr<net::Dealer> dealer_;
  std::vector<std::pair<std::uint64_t, std::string>> secrets_;  // by epoch, the newest last
  Duration heartbeat_ = seconds(1);
  net::TimerId timer_ = 0;
  net::TimerId silence_ = 0;  // until a silent coordinator is spoken of
  bool has_key_ = false;
  bool welcomed_ = false;
  std::uint64_t losses_ = 0;
  bool other_version_ = false;  // refused for it: not greeted again on this connection
  std::string refusal_;         // the last one, as logged
};

}  // namespace kiln::worker
