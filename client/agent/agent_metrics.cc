#include "client/agent/agent_metrics.h"

#include <sys/resource.h>

#include "common/base/version.h"

namespace kiln::client {
namespace {

// Reasons are words of Kiln's own, some dozens of them; whatever comes, there are no more series.
constexpr std::size_t kReasons = 256;
constexpr const char* kFurtherReasons = "other";

}  // namespace

double client_cpu_seconds() {
  double total = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    total += static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
             static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  }
  return total;
}

metrics::Counter AgentMetrics::calls(const char* ran) {
  return registry_.counter("kiln_agent_calls_total", "Calls that ended, by where they ran.",
                           {{"ran", ran}});
}

metrics::Counter AgentMetrics::bytes(const char* direction) {
  return registry_.counter("kiln_agent_bytes_total", "Bytes exchanged with workers.",
                           {{"direction", direction}});
}

metrics::Histogram AgentMetrics::seconds(const char* name, const char* help) {
  return registry_.histogram(name, help, metrics::latency_buckets());
}

AgentMetrics::AgentMetrics()
    : process_(registry_),
      remote_(calls("remote")),
      local_(calls("local")),
      fallback_(calls("fallback")),
      failed_(calls("failed")),
      retries_(
          registry_.counter("kiln_agent_retries_total", "Attempts that were followed by another.")),
      cpu_seconds_(registry_.counter("kiln_agent_cpu_seconds_total",
                                     "CPU of the agent and of what it started.")),
      sent_(bytes("sent")),
      received_(bytes("received")),
      active_(registry_.gauge("kiln_agent_calls_active", "Calls under way.")),
      call_seconds_(seconds("kiln_agent_call_seconds", "From a call to its answer.")),
      listing_seconds_(seconds("kiln_agent_listing_seconds", "Listing a call's inputs.")),
      lease_seconds_(seconds("kiln_agent_lease_wait_seconds", "Of a task, waiting for leases.")),
      remote_seconds_(seconds("kiln_agent_remote_seconds", "Of a task, from lease to result.")),
      write_seconds_(seconds("kiln_agent_write_seconds", "Of a task, writing its outputs.")) {
  registry_.set_build_info("agent", std::string(kVersion));
}

Result<std::unique_ptr<AgentMetrics>> AgentMetrics::serve(const std::string& address) {
  std::unique_ptr<AgentMetrics> made(new AgentMetrics);
  metrics::HttpHandlers handlers;
  handlers.metrics = [self = made.get()] { return self->text(); };
  KILN_TRY_ASSIGN(auto server, metrics::HttpServer::start(address, std::move(handlers)));
  made->http_ = std::make_unique<metrics::HttpServer>(std::move(server));
  return made;
}

// What a call did not come to is no observation of 0.
void AgentMetrics::ended(const CallRecord& call) {
  const auto observe = [](metrics::Histogram& histogram, Duration time) {
    if (time > Duration::zero()) histogram.observe(in_seconds(time));
  };
  observe(call_seconds_, call.wall);
  observe(listing_seconds_, call.listing);
  for (const auto& trace : call.traces) {
    lease_seconds_.observe(in_seconds(trace.acquire));
    observe(remote_seconds_, trace.remote);
    observe(write_seconds_, trace.write);
  }
}

void AgentMetrics::publish(const Totals& totals) {
  const History& history = totals.history;
  const auto count = [](metrics::Counter& counter, const Tally& tally) {
    counter.reach(static_cast<double>(tally.total));
  };
  count(remote_, history.remote);
  count(local_, history.local);
  count(fallback_, history.fallback);
  count(failed_, history.failed);
  count(retries_, history.retried);
  publish_reasons("local", history.local);
  publish_reasons("fallback", history.fallback);
  publish_reasons("failed", history.failed);
  publish_reasons("retried", history.retried);
  cpu_seconds_.reach(client_cpu_seconds());
  sent_.reach(static_cast<double>(totals.bytes_sent));
  received_.reach(static_cast<double>(totals.bytes_received));
  active_.set(static_cast<double>(totals.active));
}

void AgentMetrics::publish_reasons(const char* ran, const Tally& tally) {
  std::map<metrics::Counter*, double> sums;
  for (const auto& [reason, count] : tally.reasons) {
    sums[&counter_of(ran, reason)] += static_cast<double>(count);
  }
  for (const auto& [counter, sum] : sums) counter->reach(sum);
}

metrics::Counter& AgentMetrics::counter_of(const char* ran, const std::string& reason) {
  const auto found = reasons_.find({ran, reason});
  if (found != reasons_.end()) return found->second;
  const bool many = reasons_.size() >= kReasons && reason != kFurtherReasons;
  if (many) return counter_of(ran, kFurtherReasons);
  auto counter = registry_.counter("kiln_agent_reasons_total",
                                   "Why calls did not run remotely, and attempts were repeated.",
                                   {{"ran", ran}, {"reason", reason}});
  return reasons_.emplace(std::pair(ran, reason), counter).first->second;
}

}  // namespace kiln::client
