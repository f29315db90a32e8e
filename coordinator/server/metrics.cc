#include "coordinator/server/metrics.h"

#include <string>
#include <vector>

namespace kiln::coordinator {
namespace {

std::array<metrics::Gauge, kNodeStates> node_gauges(metrics::Registry& registry) {
  static constexpr std::array<const char*, kNodeStates> kStates = {"ready", "draining", "lost"};
  std::array<metrics::Gauge, kNodeStates> gauges;
  for (std::size_t i = 0; i < kNodeStates; ++i) {
    gauges.at(i) = registry.gauge("kiln_nodes", "Workers, by state.", {{"state", kStates.at(i)}});
  }
  return gauges;
}

using Words = std::vector<std::string_view>;

// What requests for leases are refused with, see Errc.
const Words kRefusals = {"invalid_argument",   "not_found", "permission_denied",
                         "resource_exhausted", "timed_out", "unavailable",
                         "unsupported"};
const Words kReceived = {"Acquire",
                         "AcquireCancel",
                         "ClientHello",
                         "FarmQuery",
                         "NodeChange",
                         "OccupancyReport",
                         "Ping",
                         "PoolChange",
                         "PoolQuery",
                         "PoolReport",
                         "Pong",
                         "Refused",
                         "RelayClose",
                         "RelayHello",
                         "RelayOpen",
                         "Release",
                         "WorkerGoodbye",
                         "WorkerHello",
                         metrics::CounterFamily::kOther};
const Words kSent = {"Admissions", "ClientWelcome", "FarmStatus",
                     "Grant",      "NodeChanged",   "NodeOrder",
                     "PoolAnswer", "PoolOrders",    "Pong",
                     "Refused",    "WorkerWelcome", metrics::CounterFamily::kOther};
const Words kRejections = {"malformed",  "no_hello", "too_long",
                           "unexpected", "version",  "wrong_key"};

}  // namespace

Metrics::Metrics(metrics::Registry& registry)
    : registry_(registry),
      wait_seconds_(registry.histogram("kiln_queue_wait_seconds",
                                       "From a request for leases to each grant.",
                                       metrics::latency_buckets())),
      granted_(registry, "kiln_leases_granted_total",
               "Leases granted, on a free slot or beyond it.", "kind", {"slot", "staging"}),
      ended_(registry, "kiln_leases_ended_total", "Leases that ended, and why.", "reason",
             {kLeaseEnds.begin(), kLeaseEnds.end()}),
      refused_(registry, "kiln_requests_refused_total",
               "Requests for leases that ended in a refusal.", "reason", kRefusals),
      workers_lost_(registry, "kiln_workers_lost_total", "Workers given up, and why.", "reason",
                    {"closed", "goodbye", "silent"}),
      received_(registry, "kiln_messages_received_total", "Messages received, by kind.", "kind",
                kReceived),
      sent_(registry, "kiln_messages_sent_total", "Messages sent, by kind.", "kind", kSent),
      rejected_(registry, "kiln_messages_rejected_total", "Messages dropped, and why.", "reason",
                kRejections),
      unsent_(registry.counter("kiln_messages_unsent_total",
                               "Answers that could not be sent to their peer.")),
      pools_not_stored_(registry.counter("kiln_pools_not_stored_total",
                                         "Failed tries to write the pools to the disk.")),
      nodes_(node_gauges(registry)),
      slots_(registry.gauge("kiln_slots", "Slots of the ready workers.")),
      slots_free_(registry.gauge("kiln_slots_free", "Slots that are neither occupied nor leased.")),
      leases_(registry.gauge("kiln_leases", "Leases believed in use, staging leases included.")),
      requests_waiting_(registry.gauge("kiln_requests_waiting", "Requests for leases that wait.")),
      clients_(registry.gauge("kiln_clients", "Agents connected.")),
      builds_(registry.gauge("kiln_builds", "Builds that hold leases or wait for some.")) {
  for (const auto* door : {"client", "worker"}) {
    for (const auto* reason : {"unknown_key", "revoked_key", "wrong_role"})
      refused_at(door, reason);
  }
}

void Metrics::granted(const LeasesGranted& grant) {
  wait_seconds_.observe(in_seconds(grant.waited));
  for (const auto& slot : grant.slots) {
    granted_.with(slot.lease.staging ? "staging" : "slot").add();
  }
}

void Metrics::refused(Errc code) {
  refused_.with(name(code)).add();
}

void Metrics::worker_lost(std::string_view reason) {
  workers_lost_.with(reason).add();
}

void Metrics::received(std::string_view kind) {
  received_.with(kind).add();
}

void Metrics::sent(std::string_view kind) {
  sent_.with(kind).add();
}

void Metrics::rejected(std::string_view reason) {
  rejected_.with(reason).add();
}

void Metrics::connection_refused(std::string_view door, std::string_view reason) {
  refused_at(door, reason).add();
}

metrics::Counter Metrics::refused_at(std::string_view door, std::string_view reason) {
  return registry_.counter("kiln_connections_refused_total",
                           "Connections that were not let in, and why.",
                           {{"door", std::string(door)}, {"reason", std::string(reason)}});
}

void Metrics::send_failed() {
  unsent_.add();
}

void Metrics::pools_not_stored() {
  pools_not_stored_.add();
}

void Metrics::observe(const Scheduler& scheduler) {
  for (const auto state : {NodeState::ready, NodeState::draining, NodeState::lost}) {
    nodes_.at(static_cast<std::size_t>(state)).set(static_cast<double>(scheduler.nodes_in(state)));
  }
  slots_.set(static_cast<double>(scheduler.total_slots()));
  slots_free_.set(static_cast<double>(scheduler.free_slots()));
  leases_.set(static_cast<double>(scheduler.leases()));
  for (std::size_t why = 0; why < kLeaseEnds.size(); ++why) {
    const auto now = scheduler.lease_ends().at(why);
    ended_.with(kLeaseEnds.at(why)).add(static_cast<double>(now - ended_before_.at(why)));
  }
  ended_before_ = scheduler.lease_ends();
  requests_waiting_.set(static_cast<double>(scheduler.waiting_requests()));
  clients_.set(static_cast<double>(scheduler.clients()));
  builds_.set(static_cast<double>(scheduler.builds()));
}

}  // namespace kiln::coordinator
