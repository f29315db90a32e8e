#include "client/agent/agent_metrics.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>

namespace kiln::client {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(AgentMetrics, what_may_come_is_there_before_it_comes) {
  const auto metrics = AgentMetrics::serve("127.0.0.1:0");
  ASSERT_TRUE(metrics) << metrics.error().message;
  for (const char* line :
       {"kiln_agent_calls_total{ran=\"remote\"} 0", "kiln_agent_calls_total{ran=\"local\"} 0",
        "kiln_agent_calls_total{ran=\"fallback\"} 0", "kiln_agent_calls_total{ran=\"failed\"} 0",
        "kiln_agent_retries_total 0", "kiln_agent_bytes_total{direction=\"sent\"} 0",
        "kiln_agent_remote_seconds_count 0", "component=\"agent\""}) {
    EXPECT_THAT((*metrics)->text(), HasSubstr(line));
  }
}

TEST(AgentMetrics, they_are_what_is_remembered) {
  const auto metrics = std::move(*AgentMetrics::serve("127.0.0.1:0"));
  History history(10);
  history.remote.add("node-1");
  history.local.add("linking");
  history.local.add("linking");
  history.fallback.add("no_slot");
  metrics->publish({history, 100, 200, 3});
  history.local.add("linking");
  metrics->publish({history, 150, 200, 1});
  const std::string text = metrics->text();
  for (const char* line :
       {"kiln_agent_calls_total{ran=\"remote\"} 1", "kiln_agent_calls_total{ran=\"local\"} 3",
        "kiln_agent_reasons_total{ran=\"local\",reason=\"linking\"} 3",
        "kiln_agent_reasons_total{ran=\"fallback\",reason=\"no_slot\"} 1",
        "kiln_agent_bytes_total{direction=\"sent\"} 150",
        "kiln_agent_bytes_total{direction=\"received\"} 200", "kiln_agent_calls_active 1"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("node-1")));
}

TEST(AgentMetrics, what_a_call_did_not_come_to_is_not_observed) {
  const auto metrics = std::move(*AgentMetrics::serve("127.0.0.1:0"));
  CallRecord local;
  local.wall = milliseconds(3);
  metrics->ended(local);
  CallRecord remote;
  remote.wall = milliseconds(300);
  remote.listing = milliseconds(20);
  remote.traces.emplace_back();
  remote.traces.back().remote = milliseconds(200);
  remote.traces.back().write = milliseconds(2);
  metrics->ended(remote);
  for (const char* line :
       {"kiln_agent_call_seconds_count 2", "kiln_agent_listing_seconds_count 1",
        "kiln_agent_lease_wait_seconds_count 1", "kiln_agent_remote_seconds_sum 0.2",
        "kiln_agent_write_seconds_count 1"}) {
    EXPECT_THAT(metrics->text(), HasSubstr(line));
  }
}

TEST(AgentMetrics, reasons_without_end_make_no_series_without_end) {
  const auto metrics = std::move(*AgentMetrics::serve("127.0.0.1:0"));
  History history(10);
  for (int i = 0; i < 1000; ++i) history.failed.add("reason-" + std::to_string(i));
  metrics->publish({history, 0, 0, 0});
  const std::string text = metrics->text();
  std::size_t series = 0;
  for (auto at = text.find("reason=\""); at != std::string::npos;
       at = text.find("reason=\"", at + 1))
    ++series;
  EXPECT_EQ(series, 257U);
  EXPECT_THAT(text, HasSubstr("kiln_agent_reasons_total{ran=\"failed\",reason=\"other\"} 744"));
}

}  // namespace
}  // namespace kiln::client
