#include "client/cli/units.h"

#include <gtest/gtest.h>

#include "client/cli/table.h"

namespace kiln::client {
namespace {

TEST(Units, bytes_have_three_digits_at_most) {
  EXPECT_EQ(show_bytes(0), "0 B");
  EXPECT_EQ(show_bytes(999), "999 B");
  EXPECT_EQ(show_bytes(1536), "1.5 KiB");
  EXPECT_EQ(show_bytes(20000), "19 KiB");
  EXPECT_EQ(show_bytes(10ULL << 20), "10 MiB");
  EXPECT_EQ(show_bytes(77ULL << 20), "77 MiB");
  EXPECT_EQ(show_bytes(5ULL << 40), "5.0 TiB");
}

TEST(Units, times_have_two_units_at_most) {
  EXPECT_EQ(show_milliseconds(0), "0 ms");
  EXPECT_EQ(show_milliseconds(3456), "3.4 s");
  EXPECT_EQ(show_milliseconds(60000), "1 min");
  EXPECT_EQ(show_milliseconds(125000), "2 min 5 s");
  EXPECT_EQ(show_milliseconds(12000000), "3 h 20 min");
  EXPECT_EQ(show_milliseconds(439200000), "5 d 2 h");
}

TEST(Text, is_cut_by_characters_and_cleaned) {
  EXPECT_EQ(fit("größer", 6), "größer");
  EXPECT_EQ(fit("größer", 5), "größ…");
  EXPECT_EQ(fit("a\nb", 3), "a?b");
  EXPECT_EQ(wrap("aaaa bbbb cccc dddd", 2, 12), "aaaa bbbb\n  cccc dddd");
}

TEST(Text, is_quoted_for_a_shell_where_it_must_be) {
  EXPECT_EQ(for_shell("zone=a"), "zone=a");
  EXPECT_EQ(for_shell(""), "''");
  EXPECT_EQ(for_shell("a $b"), "'a $b'");
  EXPECT_EQ(for_shell("it's"), "'it'\\''s'");
  EXPECT_EQ(for_shell("a\n'b\\"), "$'a\\x0a\\x27b\\x5c'");
}

}  // namespace
}  // namespace kiln::client
