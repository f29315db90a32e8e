#include "common/net/resolve.h"

#include <gtest/gtest.h>

namespace kiln::net {
namespace {

TEST(Resolve, an_address_stays_as_it_is) {
  for (const char* text : {"tcp://10.1.2.3:10652", "tcp://[fd00::1]:10652"}) {
    EXPECT_TRUE(is_resolved(text));
    EXPECT_EQ(resolve(text), text);
  }
}

TEST(Resolve, a_name_becomes_an_address_and_the_key_behind_it_stays) {
  const std::string key = "#" + std::string(64, 'a');
  EXPECT_FALSE(is_resolved("tcp://localhost:7" + key));
  const auto found = resolve("tcp://localhost:7" + key);
  ASSERT_TRUE(found);
  EXPECT_TRUE(is_resolved(*found));
  EXPECT_TRUE(found->ends_with(":7" + key)) << *found;
}

TEST(Resolve, a_name_that_nobody_has_is_unavailable) {
  const auto found = resolve("tcp://no-such-host.invalid:7");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::unavailable);
  EXPECT_NE(found.error().message.find("no-such-host.invalid"), std::string::npos);
}

}  // namespace
}  // namespace kiln::net
