#include "client/library/pool_text.h"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/library/errors.h"

namespace kiln::v1 {
namespace {

TEST(PoolText, a_definition_has_the_members_that_the_agent_reads) {
  PoolSpec spec;
  spec.name = "p";
  spec.context = Context::fork;
  spec.toolchains = {"g++"};
  spec.init = {{"g++", "--version"}};
  spec.nodes = {"zone=a", "!spot"};
  spec.windows = {{0x1f, std::chrono::hours(8), std::chrono::hours(20), 16}};
  spec.idle = std::chrono::minutes(1);
  spec.limits.time = std::chrono::seconds(2);
  spec.environment = {{"A", "1"}, {"B", "\xff"}};
  const auto text = nlohmann::json::parse(definition_text(spec, Warm::executors(3)));
  const nlohmann::json expected = {
      {"name", "p"},
      {"context", "fork"},
      {"init", nlohmann::json::array({spec.init[0]})},
      {"init_limit_ms", 60000},
      {"keep_resident", nlohmann::json::array()},
      {"toolchains", {"g++"}},
      {"executors", 0},
      {"nodes", {"zone=a", "!spot"}},
      {"min_warm", 0},
      {"windows", nlohmann::json::array(
                      {{{"days", 31}, {"from_minute", 480}, {"to_minute", 1200}, {"ready", 16}}})},
      {"idle_ms", 60000},
      {"limits", {{"wall_ms", 2000}, {"memory_bytes", 0}, {"output_bytes", 0}}},
      {"environment", {{"A", "1"}, {"B", "\xef\xbf\xbd"}}},
      {"probe", nlohmann::json::array()},
      {"warm", 3},
      {"all", false}};
  EXPECT_EQ(text, expected);
}

constexpr const char* kAnswer = R"({"existed": true, "pools": [
  {"name": "other"},
  {"name": "p", "version": 7, "context": "fork", "nodes": [
    {"node": "w1", "state": "ready", "wanted": 2, "answered": true,
     "pool": {"state": "broken", "starting": 1, "ready": 2, "busy": 3, "broken": 4, "reason": "why",
              "output": "words", "exit_code": 5, "stage_ms": 1.5, "start_ms": 2,
              "initialise_ms": 0.25, "from_the_future": []}}]}]})";

TEST(PoolConformance, row_1_the_answer_tells_of_each_node_and_the_time_of_each_step) {
  const auto status = read_pool(kAnswer, "p");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->version, 7U);
  EXPECT_TRUE(status->existed);
  ASSERT_EQ(status->nodes.size(), 1U);
  const NodeWarmth& node = status->nodes[0];
  EXPECT_EQ(node.node, "w1");
  EXPECT_EQ(node.node_state, "ready");
  EXPECT_TRUE(node.answered);
  EXPECT_EQ(node.wanted, 2U);
  EXPECT_EQ(node.state, "broken");
  EXPECT_EQ(node.starting + 10 * node.ready + 100 * node.busy + 1000 * node.broken, 4321U);
  EXPECT_EQ(node.reason + "," + node.output, "why,words");
  EXPECT_EQ(node.exit_code, 5);
  EXPECT_EQ(node.stage.count(), 1500);
  EXPECT_EQ(node.start.count(), 2000);
  EXPECT_EQ(node.initialise.count(), 250);
}

TEST(PoolText, a_pool_that_is_not_there_and_an_answer_that_cannot_be_read_have_names) {
  EXPECT_EQ(read_pool(kAnswer, "q").error().failure, Failure::no_pool);
  for (const auto* text : {"", "[]", "{}", R"({"pools": 3})", "{\"pools\": [1, {\"name\": 2}"})
    EXPECT_EQ(read_pool(text, "p").error().failure, Failure::unsupported) << text;
}

TEST(PoolText, members_of_another_type_have_their_defaults) {
  const auto status = read_pool(
      R"({"pools": [{"name": "p", "version": "x", "nodes": [3, {"node": [], "pool": 1}]}]})", "p");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->version, 0U);
  EXPECT_EQ(status->nodes.size(), 2U);
}

wire::SessionResult ended(const std::string& outcome, const std::string& reason) {
  wire::SessionResult result;
  result.outcome = outcome;
  result.reason = reason;
  return result;
}

TEST(Errors, every_reason_of_the_agent_has_a_failure) {
  const std::vector<std::pair<std::string, Failure>> expected = {
      {"cancelled", Failure::cancelled},
      {"time_limit", Failure::time_limit},
      {"memory_limit", Failure::memory_limit},
      {"output_limit", Failure::output_limit},
      {"executor_lost", Failure::executor_lost},
      {"worker_lost", Failure::node_lost},
      {"not_started", Failure::staging_failed},
      {"output_not_written", Failure::result_invalid},
      {"result_invalid", Failure::result_invalid},
      {"toolchain_refused", Failure::toolchain_refused},
      {"no_pool", Failure::no_pool},
      {"pool_broken", Failure::pool_broken},
      {"no_worker", Failure::no_node},
      {"workers_busy", Failure::no_node},
      {"killed", Failure::node_fault},
      {"prepare_not_found", Failure::not_prepared},
      {"overloaded", Failure::overloaded},
      {"invalid_task", Failure::invalid_argument},
      {"a word of tomorrow", Failure::internal}};
  for (const auto& [reason, failure] : expected) {
    const auto result = result_of(ended("failed", reason), {}, "job");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().failure, failure) << reason;
    EXPECT_EQ(result.error().reason, reason);
  }
  const auto refused = result_of(ended("refused", "unknown_argument"), {}, "job");
  EXPECT_EQ(refused.error().failure, Failure::not_remote);
  EXPECT_EQ(refused.error().message, "the task 'job' does not run remotely (unknown_argument)");
}

TEST(Errors, a_signal_is_the_commands_own_end) {
  auto result = ended("signalled", "");
  result.signal = 11;
  const auto end = result_of(result, {"out"}, "job");
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, 11);
  EXPECT_EQ(end->stdout_text, "out");
  EXPECT_FALSE(end->succeeded());
}

TEST(Errors, every_failure_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Failure::internal); ++i)
    names.insert(name(static_cast<Failure>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Failure::internal) + 1);
}

}  // namespace
}  // namespace kiln::v1
