#include "client/cli/top_words.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using testing::HasSubstr;

std::string top_error_of(const std::vector<std::string>& words) {
  const auto line = parse_people_command(words);
  if (line) return "no error";
  EXPECT_EQ(line.error().code, Errc::invalid_argument);
  return line.error().message;
}

TEST(TopWords, are_an_interval_at_most) {
  EXPECT_EQ(parse_people_command({"top"})->kind, PeopleCommand::Kind::top);
  EXPECT_EQ(parse_people_command({"top"})->interval, seconds(1));
  EXPECT_EQ(parse_people_command({"top", "--interval", "250ms"})->interval, milliseconds(250));
  EXPECT_EQ(parse_people_command({"top", "--interval=2"})->interval, seconds(2));
}

TEST(TopWords, that_are_wrong_are_named) {
  EXPECT_THAT(top_error_of({"top", "--json"}), HasSubstr("kiln nodes --json"));
  EXPECT_THAT(top_error_of({"top", "--intervall", "1s"}), HasSubstr("did you mean '--interval'?"));
  EXPECT_THAT(top_error_of({"top", "--interval"}), HasSubstr("needs a value"));
  EXPECT_THAT(top_error_of({"top", "--interval", "soon"}), HasSubstr("--interval: "));
  EXPECT_THAT(top_error_of({"top", "--interval", "0"}), HasSubstr("from 100ms to 1h"));
  EXPECT_THAT(top_error_of({"top", "w0"}), HasSubstr("unexpected argument 'w0'"));
}

TEST(TopWords, have_a_page_of_their_own_that_fits_80_columns) {
  const auto line = parse_people_command({"top", "--help"});
  ASSERT_EQ(line->kind, PeopleCommand::Kind::help);
  const std::string page = help_text(*line);
  EXPECT_THAT(page, HasSubstr("usage: kiln top [--interval TIME]\n"));
  std::istringstream text(page);
  for (std::string row; std::getline(text, row);) EXPECT_LE(row.size(), 80U) << row;
}

}  // namespace
}  // namespace kiln::client
