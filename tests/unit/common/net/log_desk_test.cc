#include "common/net/log_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/files.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/common/net/loop.h"

namespace kiln::net {
namespace {

using testing::HasSubstr;

class LogDeskTest : public testing::Test {
 protected:
  const test_support::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "log";
  Logger log_ = *Logger::open({.file = path_.string(), .parts = {"main", "pools"}});
  Loop loop_;
  LogDesk desk_{*loop_, log_};
};

TEST_F(LogDeskTest, who_changes_something_is_written_down) {
  const auto state = desk_.serve({7, "", "pools=debug", 0}, "joe@host");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->request, 7U);
  EXPECT_EQ(state->parts.at(0), (wire::LogPart{"main", "info", "info", 0}));
  EXPECT_EQ(state->parts.at(1), (wire::LogPart{"pools", "debug", "debug", 0}));
  EXPECT_THAT(read_file(path_).value_or(""), HasSubstr("by=joe@host"));
}

TEST_F(LogDeskTest, who_only_looks_is_not) {
  EXPECT_TRUE(desk_.serve({}, "joe"));
  EXPECT_EQ(read_file(path_).value_or(""), "");
}

TEST_F(LogDeskTest, a_part_that_there_is_not_is_named) {
  const auto state = desk_.serve({7, "", "pool=debug", 0}, "joe");
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, Errc::invalid_argument);
  EXPECT_THAT(state.error().message, HasSubstr("there are main, pools"));
}

TEST_F(LogDeskTest, what_was_changed_for_a_while_comes_back) {
  const auto state = desk_.serve({7, "", "pools=debug", 60'000}, "joe");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->parts.at(1).then, "info");
  EXPECT_GT(state->parts.at(1).left_ms, 50'000U);
  ASSERT_TRUE(desk_.serve({8, "", "pools=debug", 1}, "joe"));
  EXPECT_TRUE(loop_.run_until([&] { return log_.level("pools") == LogLevel::info; }));
}

}  // namespace
}  // namespace kiln::net
