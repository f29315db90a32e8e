#include "common/base/log_control.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

class LogControlTest : public testing::Test {
 protected:
  void change(std::string_view levels, Duration lasts) {
    control_.change(*parse_log_levels(levels, log_.parts()), lasts, now_);
  }

  const test_support::TemporaryDirectory directory_;
  TimePoint now_ = TimePoint(seconds(100));
  Logger log_ =
      *Logger::open({.file = (directory_.path() / "log").string(), .parts = {"main", "pools"}});
  LogControl control_{log_};
};

TEST_F(LogControlTest, a_change_for_good_stays) {
  change("pools=debug", {});
  EXPECT_EQ(log_.level("pools"), LogLevel::debug);
  EXPECT_EQ(log_.level("main"), LogLevel::info);
  EXPECT_EQ(control_.next_deadline(), std::nullopt);
}

TEST_F(LogControlTest, a_change_for_a_while_is_undone_when_it_is_over) {
  change("warning", {});
  change("pools=debug", seconds(10));
  now_ += seconds(4);
  change("pools=error", seconds(10));
  const auto standing = control_.standing(now_).at(1);
  EXPECT_EQ(standing.level, LogLevel::error);
  EXPECT_EQ(standing.then, LogLevel::warning) << "not the passing one before";
  EXPECT_EQ(standing.left, seconds(10));
  EXPECT_EQ(control_.next_deadline(), now_ + seconds(10));
  control_.tick(now_ + seconds(9));
  EXPECT_EQ(log_.level("pools"), LogLevel::error);
  control_.tick(now_ + seconds(10));
  EXPECT_EQ(log_.level("pools"), LogLevel::warning);
  EXPECT_EQ(control_.next_deadline(), std::nullopt);
}

TEST_F(LogControlTest, a_change_for_good_ends_one_for_a_while) {
  change("debug", seconds(10));
  change("pools=warning", {});
  control_.tick(now_ + seconds(10));
  EXPECT_EQ(log_.level("pools"), LogLevel::warning);
  EXPECT_EQ(log_.level("main"), LogLevel::info);
}

}  // namespace
}  // namespace kiln
