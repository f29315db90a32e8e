#include "coordinator/dashboard/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

using testing::Optional;

TEST(Query, takes_an_url_apart) {
  const Query query("node=w%201%2B&limit=20&pool=&flag&x=a+b=c");
  EXPECT_EQ(query.text("node"), "w 1+");
  EXPECT_THAT(query.number("limit"), Optional(20U));
  EXPECT_EQ(query.text("pool"), "");
  EXPECT_EQ(query.text("flag"), "");
  EXPECT_EQ(query.text("x"), "a b=c");
  EXPECT_EQ(query.text("none"), "");
}

TEST(Query, what_is_no_code_stays) {
  EXPECT_EQ(Query("a=100%").text("a"), "100%");
  EXPECT_EQ(Query("a=%4").text("a"), "%4");
  EXPECT_EQ(Query("a=%zz").text("a"), "%zz");
  EXPECT_EQ(Query("a=%-1").text("a"), "%-1");
  EXPECT_EQ(Query("a=%41").text("a"), "A");
}

TEST(Query, what_is_no_number_is_none) {
  for (const auto* text : {"", "a=", "a=x", "a=1x", "a=-1", "a=99999999999999999999999"}) {
    EXPECT_FALSE(Query(text).number("a")) << text;
  }
}

}  // namespace
}  // namespace kiln::coordinator
