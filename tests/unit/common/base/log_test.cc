#include "common/base/log.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/files.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using testing::HasSubstr;

std::string logged(LogFormat format, std::string_view value) {
  const test_support::TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  const auto log = Logger::open({.format = format, .file = path.string()});
  EXPECT_TRUE(log);
  log->info("event", {{"key", value}});
  return read_file(path).value_or("");
}

TEST(Log, plain_values_stand_as_they_are) {
  EXPECT_THAT(logged(LogFormat::text, "a-b/ü"), HasSubstr("event key=a-b/ü\n"));
}

TEST(Log, no_control_byte_of_a_value_reaches_a_terminal) {
  EXPECT_THAT(logged(LogFormat::text, "\x1b[2J"), HasSubstr("key=\"\\u001b[2J\""));
  EXPECT_THAT(logged(LogFormat::text, "a\rb"), HasSubstr("key=\"a\\u000db\""));
  EXPECT_THAT(logged(LogFormat::text, "a\x7f"), HasSubstr("key=\"a\\u007f\""));
  EXPECT_THAT(logged(LogFormat::json, "\x1b\x7f"), HasSubstr("\"key\":\"\\u001b\\u007f\""));
  EXPECT_THAT(logged(LogFormat::text, "\u009b2J"), HasSubstr("key=\"\\u009b2J\""));
}

TEST(Log, one_event_is_one_line_for_whoever_reads_it) {
  EXPECT_THAT(logged(LogFormat::text, "a\u2028b\u0085\n"), HasSubstr("\"a\\u2028b\\u0085\\n\"\n"));
}

TEST(Log, what_is_not_utf8_is_replaced) {
  for (const auto format : {LogFormat::text, LogFormat::json}) {
    EXPECT_THAT(logged(format, "a\xff z\xc3"), HasSubstr("\"a\\ufffd z\\ufffd\""));
    EXPECT_THAT(logged(format, "\xed\xa0\x80"), HasSubstr("\"\\ufffd\\ufffd\\ufffd\""));
    EXPECT_THAT(logged(format, "ü €"), HasSubstr("\"ü €\""));
  }
}

class LogFile : public testing::Test {
 protected:
  std::string text() const { return read_file(path_).value_or(""); }

  test_support::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "log";
  Logger log_ = *Logger::open({.levels = *parse_log_levels("warning,pools=debug", {"pools"}),
                               .format = LogFormat::json,
                               .file = path_.string(),
                               .parts = {"main", "pools", "relay"}});
};

TEST_F(LogFile, each_part_has_its_level_and_its_name_in_the_line) {
  log_.info("unheard");
  log_.part("relay").info("unheard");
  log_.part("pools").debug("heard", {{"number", 7}});
  EXPECT_THAT(text(), HasSubstr("\"part\":\"pools\",\"event\":\"heard\",\"number\":7}\n"));
  EXPECT_EQ(text().find("unheard"), std::string::npos);
}

TEST_F(LogFile, a_changed_level_is_that_of_every_handle) {
  const Logger before = log_.part("relay");
  log_.set_level("relay", LogLevel::debug);
  before.debug("heard");
  EXPECT_THAT(text(), HasSubstr("heard"));
  EXPECT_EQ(before.level("relay"), LogLevel::debug);
  before.set_level("pools", LogLevel::off);
  log_.part("pools").error("unheard");
  EXPECT_EQ(text().find("unheard"), std::string::npos);
}

TEST_F(LogFile, ids_are_spelled_in_one_way_and_numbers_stay_numbers) {
  log_.error("event", {{"attempt", LogId{0xab, 12}},
                       {"client", LogId{0xab, 0}},
                       {"less", -3},
                       {"half", 0.5},
                       {"none", 0.0 / 0.0}});
  EXPECT_THAT(text(), HasSubstr(R"("attempt":"00000000000000ab-12","client":"00000000000000ab",)"
                                R"("less":-3,"half":0.500000,"none":null})"));
}

TEST_F(LogFile, truth_is_no_number) {
  log_.error("event", {{"new", true}, {"old", false}, {"slots", std::uint8_t{1}}});
  EXPECT_THAT(text(), HasSubstr(R"("new":true,"old":false,"slots":1})"));
}

TEST_F(LogFile, it_goes_on_in_a_new_file_once_it_is_opened_anew) {
  log_.error("first");
  const auto moved = directory_.path() / "log.1";
  std::filesystem::rename(path_, moved);
  log_.error("second");
  ASSERT_TRUE(log_.reopen());
  log_.error("third");
  EXPECT_THAT(read_file(moved).value_or(""), HasSubstr("second"));
  EXPECT_THAT(text(), HasSubstr("third"));
  EXPECT_EQ(text().find("second"), std::string::npos);
}

TEST_F(LogFile, it_stays_in_the_old_file_where_a_new_one_cannot_be_made) {
  const auto moved = directory_.path() / "log.1";
  std::filesystem::rename(path_, moved);
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(log_.reopen());
  log_.error("still");
  EXPECT_THAT(read_file(moved).value_or(""), HasSubstr("still"));
}

}  // namespace
}  // namespace kiln
