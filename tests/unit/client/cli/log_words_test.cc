#include "client/cli/log_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string why_wrong(const std::vector<std::string>& words) {
  const auto line = parse_log_words(words);
  return line ? "" : line.error().message;
}

TEST(LogWords, who_only_looks_names_a_process_or_none) {
  EXPECT_THAT(parse_log_words({"log"})->arguments, IsEmpty());
  const auto line = parse_log_words({"log", "w0", "--json"});
  ASSERT_TRUE(line);
  EXPECT_THAT(line->arguments, ElementsAre("w0"));
  EXPECT_TRUE(line->json);
}

TEST(LogWords, levels_go_together_with_the_time_that_they_last) {
  EXPECT_THAT(parse_log_words({"log", "w0", "info", "tasks=debug"})->arguments,
              ElementsAre("w0", "info,tasks=debug", "0"));
  EXPECT_THAT(parse_log_words({"log", "--for", "10m", "agent", "debug"})->arguments,
              ElementsAre("agent", "debug", "600000"));
}

TEST(LogWords, what_is_wrong_is_named) {
  EXPECT_THAT(why_wrong({"log", "w0", "--for", "10m"}), HasSubstr("--for needs levels"));
  EXPECT_THAT(why_wrong({"log", "w0", "debug", "--for", "0"}), HasSubstr("from 1s to a year"));
  EXPECT_THAT(why_wrong({"log", "w0", "debug", "--for", "soon"}), HasSubstr("--for: "));
  EXPECT_THAT(why_wrong({"log", "w0", "debug", "--fro", "1s"}), HasSubstr("--for"));
}

TEST(LogWords, it_has_a_help_of_its_own) {
  const auto line = parse_log_words({"log", "w0", "--help"});
  ASSERT_TRUE(line);
  EXPECT_THAT(help_text(*line), HasSubstr("usage: kiln log"));
}

}  // namespace
}  // namespace kiln::client
