#include "common/base/log.h"

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
  const auto log = Logger::open({LogLevel::info, format, path.string()});
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
}

TEST(Log, what_is_not_utf8_is_replaced) {
  for (const auto format : {LogFormat::text, LogFormat::json}) {
    EXPECT_THAT(logged(format, "a\xff z\xc3"), HasSubstr("\"a\\ufffd z\\ufffd\""));
    EXPECT_THAT(logged(format, "\xed\xa0\x80"), HasSubstr("\"\\ufffd\\ufffd\\ufffd\""));
    EXPECT_THAT(logged(format, "ü €"), HasSubstr("\"ü €\""));
  }
}

}  // namespace
}  // namespace kiln
