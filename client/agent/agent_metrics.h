// An agent's metrics over HTTP, for whoever asks for them by KILN_METRICS; docs/metrics.md lists
// them. They say what `kiln stats` says, and how long the parts of calls took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "client/agent/history.h"
#include "client/timeline/call_record.h"
#include "common/base/result.h"
#include "common/metrics/http_server.h"
#include "common/metrics/process_metrics.h"
#include "common/metrics/registry.h"

namespace kiln::client {

// CPU of this process and of the compilers that it asked.
double client_cpu_seconds();

class AgentMetrics {
 public:
  // Serves them at `address` as HttpServer::start has it, with its errors, until destroyed.
  static Result<std::unique_ptr<AgentMetrics>> serve(const std::string& address);

  // As they are served.
  std::string text() { return process_.text(); }

  // A call is over.
  void ended(const CallRecord& call);

  struct Totals {
    const History& history;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::size_t active = 0;  // calls
  };
  // What has come together so far; CPU is read here.
  void publish(const Totals& totals);

 private:
  AgentMetrics();
  metrics::Counter calls(const char* ran);
  metrics::Counter bytes(const char* direction);
  metrics::Histogram seconds(const char* name, const char* help);
  void publish_reasons(const char* ran, const Tally& tally);
  // Of that kind, or the one for all further reasons once there are many.
  metrics::Counter& counter_of(const char* ran, const std::string& reason);

  metrics::Registry registry_;
  metrics::ProcessMetrics process_;
  metrics::Counter remote_;
  metrics::Counter local_;
  metrics::Counter fallback_;
  metrics::Counter failed_;
  metrics::Counter retries_;
  metrics::Counter cpu_seconds_;
  metrics::Counter sent_;
  metrics::Counter received_;
  metrics::Gauge active_;
  metrics::Histogram call_seconds_;
  metrics::Histogram listing_seconds_;
  metrics::Histogram lease_seconds_;
  metrics::Histogram remote_seconds_;
  metrics::Histogram write_seconds_;
  std::map<std::pair<std::string, std::string>, metrics::Counter> reasons_;  // by ran and reason
  std::unique_ptr<metrics::HttpServer> http_;  // last: its threads stop first
};

}  // namespace kiln::client
