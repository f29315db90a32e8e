#include "client/policy/retry.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

class RetryTest : public testing::Test {
 protected:
  Step end(AttemptEnd end, Outcome outcome = Outcome::exited, const std::string& doubt = {}) {
    return next_step(policy_, history_, end, outcome, "w" + std::to_string(++attempts_), doubt);
  }
  RetryPolicy policy_;
  CallHistory history_;
  int attempts_ = 0;
};

TEST_F(RetryTest, the_commands_own_end_is_the_answer) {
  EXPECT_EQ(end(AttemptEnd::result, Outcome::exited).kind, Step::Kind::done);
  EXPECT_EQ(end(AttemptEnd::result, Outcome::signalled).kind, Step::Kind::done);
}

TEST_F(RetryTest, another_node_twice_then_local) {
  EXPECT_EQ(end(AttemptEnd::worker_lost).kind, Step::Kind::retry);
  EXPECT_EQ(end(AttemptEnd::result, Outcome::executor_lost).kind, Step::Kind::retry);
  const Step last = end(AttemptEnd::result, Outcome::not_started);
  EXPECT_EQ(last.kind, Step::Kind::locally);
  EXPECT_EQ(last.reason, "not_started");
  EXPECT_EQ(history_.excluded, (std::vector<std::string>{"w1", "w2", "w3"}));
}

TEST_F(RetryTest, without_fallback_the_call_fails_with_the_reason) {
  policy_.fallback = false;
  end(AttemptEnd::worker_lost);
  end(AttemptEnd::worker_lost);
  const Step last = end(AttemptEnd::worker_lost);
  EXPECT_EQ(last.kind, Step::Kind::fail);
  EXPECT_EQ(last.reason, "worker_lost");
}

TEST_F(RetryTest, busy_is_not_a_failure_and_is_bounded) {
  policy_.busy = 2;
  EXPECT_EQ(end(AttemptEnd::busy).kind, Step::Kind::retry);
  EXPECT_EQ(end(AttemptEnd::busy).kind, Step::Kind::retry);
  EXPECT_EQ(history_.failures, 0U);
  EXPECT_TRUE(history_.excluded.empty());
  EXPECT_EQ(end(AttemptEnd::busy).kind, Step::Kind::locally);
}

TEST_F(RetryTest, limits_go_local_at_once) {
  for (const auto outcome : {Outcome::time_limit, Outcome::memory_limit, Outcome::output_limit}) {
    const Step step = end(AttemptEnd::result, outcome);
    EXPECT_EQ(step.kind, Step::Kind::locally);
    EXPECT_EQ(step.reason, name(outcome));
  }
}

TEST_F(RetryTest, a_missing_input_goes_local_but_is_trusted_without_fallback) {
  EXPECT_EQ(end(AttemptEnd::result, Outcome::exited, "input_missing").kind, Step::Kind::locally);
  policy_.fallback = false;
  EXPECT_EQ(end(AttemptEnd::result, Outcome::exited, "input_missing").kind, Step::Kind::done);
}

TEST_F(RetryTest, what_the_worker_lacked_is_tried_elsewhere_when_it_cannot_run_here) {
  EXPECT_EQ(end(AttemptEnd::result, Outcome::exited, "no_space").kind, Step::Kind::locally);
  policy_.fallback = false;
  EXPECT_EQ(end(AttemptEnd::result, Outcome::exited, "no_space").kind, Step::Kind::retry);
  EXPECT_EQ(end(AttemptEnd::result, Outcome::signalled, "killed").kind, Step::Kind::retry);
  EXPECT_EQ(end(AttemptEnd::result, Outcome::signalled, "killed").kind, Step::Kind::fail);
}

TEST(DoubtTest, only_a_failure_that_says_so_is_doubted) {
  TaskResult result;
  result.outcome = Outcome::exited;
  EXPECT_EQ(doubt_about(result, "warning: No space left on device"), "");
  result.exit_code = 1;
  EXPECT_EQ(doubt_about(result, "a.c:1: error: expected ';'"), "");
  EXPECT_EQ(doubt_about(result, "x.h: No such file or directory"), "input_missing");
  EXPECT_EQ(doubt_about(result, "'x.h' file not found"), "input_missing");
  EXPECT_EQ(doubt_about(result, "error writing: No space left on device"), "no_space");
  EXPECT_EQ(doubt_about(result, "g++: fatal error: Killed signal terminated program cc1plus"),
            "killed");
  EXPECT_EQ(doubt_about(result, "cc1plus: out of memory allocating 65536 bytes"), "no_memory");
}

TEST(DoubtTest, a_command_that_was_shot_is_doubted_and_one_that_crashed_is_not) {
  TaskResult result;
  result.outcome = Outcome::signalled;
  result.signal = 9;
  EXPECT_EQ(doubt_about(result, ""), "killed");
  result.signal = 11;
  EXPECT_EQ(doubt_about(result, "No such file or directory"), "");
}

TEST_F(RetryTest, no_lease_goes_local_or_fails) {
  EXPECT_EQ(end(AttemptEnd::no_lease).kind, Step::Kind::locally);
  policy_.fallback = false;
  EXPECT_EQ(end(AttemptEnd::no_lease).kind, Step::Kind::fail);
}

}  // namespace
}  // namespace kiln::client
