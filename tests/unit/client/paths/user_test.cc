#include "client/paths/user.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

constexpr auto kPasswd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "broken\n"
    ":x:7:7::/:\n"
    "ann:x:1000:1000:Ann,,,:/home/ann:/bin/sh\n"
    "last:x:1001:1001";

TEST(UserName, is_what_a_login_says) {
  EXPECT_EQ(user_name({{"USER", "bob"}, {"LOGNAME", "b"}}, 0, kPasswd), "bob");
  EXPECT_EQ(user_name({{"USER", ""}, {"LOGNAME", "b"}}, 0, kPasswd), "b");
}

TEST(UserName, is_looked_up_where_nobody_logged_in) {
  EXPECT_EQ(user_name({}, 0, kPasswd), "root");
  EXPECT_EQ(user_name({}, 1000, kPasswd), "ann");
  EXPECT_EQ(user_name({}, 1001, kPasswd), "last");
}

TEST(UserName, is_a_number_that_has_no_name) {
  EXPECT_EQ(user_name({}, 100, kPasswd), "100");
  EXPECT_EQ(user_name({}, 7, kPasswd), "7");
  EXPECT_EQ(user_name({}, 0, ""), "0");
}

}  // namespace
}  // namespace kiln::client
