#include "client/cli/styled_text.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

const StyledLine kLine = {{"ab"}, {"größ", Look::bad}, {"er"}};

TEST(StyledText, is_cut_by_characters_whatever_the_looks) {
  EXPECT_EQ(plain_text(fit(kLine, 8)), "abgrößer");
  EXPECT_EQ(plain_text(fit(kLine, 7)), "abgröß…");
  EXPECT_EQ(plain_text(fit(kLine, 6)), "abgrö…");
  EXPECT_EQ(plain_text(fit(kLine, 2)), "a…");
  EXPECT_EQ(plain_text(fit(kLine, 0)), "");
  EXPECT_EQ(plain_text(fit(StyledLine{{"a\x1b[2J"}}, 9)), "a?[2J");
}

TEST(StyledText, is_sent_with_colours_only_where_there_are_any) {
  EXPECT_EQ(terminal_text(kLine, false), "abgrößer");
  EXPECT_EQ(terminal_text(kLine, true), "ab\x1b[31mgröß\x1b[0mer");
}

TEST(StyledText, keeps_its_looks_in_a_cell) {
  const StyledLine expected = {{"  "}, {"ab"}, {"größ", Look::bad}, {"er"}};
  EXPECT_EQ(laid_out(kLine, "  abgrößer"), expected);
  const StyledLine cut = {{"abg…", Look::plain}};
  EXPECT_EQ(laid_out(kLine, "abg…"), cut);
}

}  // namespace
}  // namespace kiln::client
