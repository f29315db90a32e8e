#include "coordinator/server/metrics.h"

#include <array>
#include <string>

namespace kiln::coordinator {

Metrics::Metrics(metrics::Registry& registry)
    : registry_(registry),
      wait_seconds_(registry.histogram("kiln_queue_wait_seconds",
                                       "From a request for leases to each grant.",
                                       metrics::latency_buckets())) {}

void Metrics::granted(const LeasesGranted& grant) {
  wait_seconds_.observe(in_seconds(grant.waited));
  for (const auto& slot : grant.slots) {
    registry_
        .counter("kiln_leases_granted_total", "Leases granted, on a free slot or beyond it.",
                 {{"kind", slot.lease.staging ? "staging" : "slot"}})
        .add();
  }
}

void Metrics::refused(Errc code) {
  registry_
      .counter("kiln_requests_refused_total", "Requests for leases that ended in a refusal.",
               {{"reason", std::string(name(code))}})
      .add();
}

void Metrics::worker_lost(std::string_view reason) {
  registry_
      .counter("kiln_workers_lost_total", "Workers given up, and why.",
               {{"reason", std::string(reason)}})
      .add();
}

void Metrics::received(std::string_view kind) {
  registry_
      .counter("kiln_messages_received_total", "Messages received, by kind.",
               {{"kind", std::string(kind)}})
      .add();
}

void Metrics::sent(std::string_view kind) {
  registry_
      .counter("kiln_messages_sent_total", "Messages sent, by kind.", {{"kind", std::string(kind)}})
      .add();
}

void Metrics::rejected(std::string_view reason) {
  registry_
      .counter("kiln_messages_rejected_total", "Messages dropped, and why.",
               {{"reason", std::string(reason)}})
      .add();
}

void Metrics::send_failed() {
  registry_.counter("kiln_messages_unsent_total", "Answers that could not be sent to their peer.")
      .add();
}

void Metrics::observe(const Scheduler& scheduler, const std::vector<NodeView>& nodes) {
  static constexpr std::array<const char*, 3> kStates = {"ready", "draining", "lost"};
  std::array<double, 3> counts{};
  for (const auto& node : nodes) counts.at(static_cast<std::size_t>(node.state)) += 1;
  for (std::size_t i = 0; i < kStates.size(); ++i) {
    registry_.gauge("kiln_nodes", "Workers, by state.", {{"state", kStates.at(i)}})
        .set(counts.at(i));
  }
  registry_.gauge("kiln_slots", "Slots of the ready workers.")
      .set(static_cast<double>(scheduler.total_slots()));
  registry_.gauge("kiln_slots_free", "Slots that are neither occupied nor leased.")
      .set(static_cast<double>(scheduler.free_slots()));
  registry_.gauge("kiln_leases", "Leases believed in use, staging leases included.")
      .set(static_cast<double>(scheduler.leases()));
  registry_.gauge("kiln_requests_waiting", "Requests for leases that wait.")
      .set(static_cast<double>(scheduler.waiting_requests()));
  registry_.gauge("kiln_clients", "Agents connected.")
      .set(static_cast<double>(scheduler.clients()));
}

}  // namespace kiln::coordinator
