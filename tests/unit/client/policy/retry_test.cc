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

TEST_F(RetryTest, PoolConformance_row_17_an_invalid_result_is_tried_elsewhere_and_has_its_name) {
  policy_.fallback = false;
  EXPECT_EQ(end(AttemptEnd::result_invalid).kind, Step::Kind::retry);
  EXPECT_EQ(end(AttemptEnd::result_invalid).kind, Step::Kind::retry);
  const Step last = end(AttemptEnd::result_invalid);
  EXPECT_EQ(last.kind, Step::Kind::fail);
  EXPECT_EQ(last.reason, "result_invalid");
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

TEST_F(RetryTest, what_cannot_be_read_goes_local_but_is_trusted_without_fallback) {
  EXPECT_EQ(end(AttemptEnd::result, Outcome::exited, "untranslated").kind, Step::Kind::locally);
  policy_.fallback = false;
  EXPECT_EQ(end(AttemptEnd::result, Outcome::exited, "untranslated").kind, Step::Kind::done);
}

TEST(DoubtTest, only_a_failure_that_says_so_is_doubted) {
  TaskResult result;
  result.outcome = Outcome::exited;
  EXPECT_EQ(doubt_about(result, "warning: No space left on device", false), "");
  result.exit_code = 1;
  EXPECT_EQ(doubt_about(result, "a.c:1: error: expected ';'", false), "");
  EXPECT_EQ(doubt_about(result, "x.h: No such file or directory", false), "input_missing");
  EXPECT_EQ(doubt_about(result, "'x.h' file not found", false), "input_missing");
  EXPECT_EQ(doubt_about(result, "error writing: No space left on device", false), "no_space");
  EXPECT_EQ(
      doubt_about(result, "g++: fatal error: Killed signal terminated program cc1plus", false),
      "killed");
  EXPECT_EQ(doubt_about(result, "cc1plus: out of memory allocating 65536 bytes", false),
            "no_memory");
}

TEST(DoubtTest, success_without_an_object_is_doubted) {
  TaskResult result;
  result.outcome = Outcome::exited;
  EXPECT_EQ(doubt_about_object(result, "/a.o"), "output_missing");
  result.outputs.push_back({"/a.d", 0644, 0, {}});
  EXPECT_EQ(doubt_about_object(result, "/a.o"), "output_missing");
  result.outputs.push_back({"/a.o", 0644, 0, {}});
  EXPECT_EQ(doubt_about_object(result, "/a.o"), "");
  result.outputs.clear();
  result.exit_code = 1;
  EXPECT_EQ(doubt_about_object(result, "/a.o"), "");
}

TEST(DoubtTest, what_a_worker_may_lack_is_known_by_these_words) {
  TaskResult result;
  result.outcome = Outcome::exited;
  result.exit_code = 1;
  const std::pair<const char*, const char*> cases[] = {
      {"clang: error: unable to execute command: Killed", "killed"},
      {"clang: error: unable to execute command: Bus error", "killed"},
      {"LLVM ERROR: out of memory", "no_memory"},
      {"what():  std::bad_alloc", "no_memory"},
      {"vfork: Resource temporarily unavailable", "no_resources"},
      {"a.h: Too many open files", "no_resources"},
      {"a.o: Input/output error", "io_error"},
      {"a.o: Disk quota exceeded", "no_space"},
  };
  for (const auto& [text, doubt] : cases)
    EXPECT_EQ(doubt_about(result, text, false), doubt) << text;
}

TEST(DoubtTest, a_failure_in_words_that_cannot_be_read_is_doubted) {
  TaskResult result;
  result.outcome = Outcome::exited;
  const char* const text = "a.c:1: Fehler: Datei oder Verzeichnis nicht gefunden";
  EXPECT_EQ(doubt_about(result, text, true), "");
  result.exit_code = 1;
  EXPECT_EQ(doubt_about(result, text, true), "untranslated");
  EXPECT_EQ(doubt_about(result, text, false), "");
  EXPECT_EQ(doubt_about(result, "No space left on device", true), "no_space");
}

TEST(DoubtTest, messages_are_translated_as_gettext_decides) {
  using Variables = std::vector<std::pair<std::string, std::string>>;
  const auto with = [](Variables variables) { return translates(variables); };
  EXPECT_FALSE(with({}));
  for (const char* plain : {"C", "POSIX", "C.UTF-8", "en_US.UTF-8", "en_GB", "en"})
    EXPECT_FALSE(with({{"LC_ALL", plain}})) << plain;
  EXPECT_TRUE(with({{"LC_ALL", "de_DE.UTF-8"}}));
  EXPECT_TRUE(with({{"LC_MESSAGES", "fr"}, {"LANG", "C"}}));
  EXPECT_TRUE(with({{"LANG", "ja_JP.UTF-8"}}));
  EXPECT_FALSE(with({{"LC_ALL", "C"}, {"LANG", "de_DE"}}));
  EXPECT_TRUE(with({{"LANG", "en_US"}, {"LANGUAGE", "de:en"}}));
  EXPECT_FALSE(with({{"LANG", "de_DE"}, {"LANGUAGE", "en"}}));
  EXPECT_FALSE(with({{"LANG", "C"}, {"LANGUAGE", "de"}}));
}

TEST(DoubtTest, a_command_that_was_shot_is_doubted_and_one_that_crashed_is_not) {
  TaskResult result;
  result.outcome = Outcome::signalled;
  result.signal = 9;
  EXPECT_EQ(doubt_about(result, "", false), "killed");
  result.signal = 11;
  EXPECT_EQ(doubt_about(result, "No such file or directory", false), "");
}

TEST_F(RetryTest, who_stands_behind_a_long_task_goes_local_in_time) {
  EXPECT_FALSE(has_waited_enough(policy_, milliseconds(9999)));
  EXPECT_TRUE(has_waited_enough(policy_, seconds(10)));
  policy_.fallback = false;
  EXPECT_FALSE(has_waited_enough(policy_, seconds(100)));
}

TEST_F(RetryTest, PoolConformance_row_16_tasks_of_a_pool_broken_on_a_node_go_elsewhere) {
  EXPECT_EQ(doubt_about_refusal("no_slot"), "");
  policy_.fallback = false;
  for (int i = 0; i < 2; ++i) {
    const Step step = end(AttemptEnd::busy, {}, doubt_about_refusal("pool_broken"));
    EXPECT_EQ(step.kind, Step::Kind::retry);
    EXPECT_EQ(history_.excluded.size(), i + 1U);
  }
  const Step last = end(AttemptEnd::busy, {}, "pool_broken");
  EXPECT_EQ(last.kind, Step::Kind::fail);
  EXPECT_EQ(last.reason, "pool_broken");
}

TEST_F(RetryTest, no_pool_and_a_broken_one_have_their_reasons) {
  EXPECT_EQ(end(AttemptEnd::no_pool).reason, "no_pool");
  EXPECT_EQ(end(AttemptEnd::pool_broken).reason, "pool_broken");
  EXPECT_EQ(end(AttemptEnd::no_pool).kind, Step::Kind::locally);
}

TEST_F(RetryTest, no_lease_goes_local_or_fails) {
  EXPECT_EQ(end(AttemptEnd::no_lease).kind, Step::Kind::locally);
  policy_.fallback = false;
  EXPECT_EQ(end(AttemptEnd::no_lease).kind, Step::Kind::fail);
}

}  // namespace
}  // namespace kiln::client
