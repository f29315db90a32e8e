#include "common/auth/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::auth {
namespace {

using testing::HasSubstr;
using testing::Not;

// What wg(8) prints of the key whose bytes are 0 … 31.
constexpr const char* kCounted = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

PublicKey counted() {
  PublicKey key;
  for (std::size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<std::uint8_t>(i);
  return key;
}

TEST(Keys, public_and_secret_belong_together) {
  const auto pair = make_key_pair();
  ASSERT_TRUE(pair);
  EXPECT_EQ(public_key_of(pair->secret_key), pair->public_key);
}

// The pair in zmq_curve(7), decoded from its own alphabet: D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs
// and Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID.
TEST(Keys, are_those_of_zeromq) {
  const auto secret = parse_secret_key("e7hktImvo2cfvmkQH5SziXLySBbfsBtRZWs/7I39CIg=");
  ASSERT_TRUE(secret);
  EXPECT_EQ(key_text(public_key_of(*secret)), "u4hHHWXiZZswxVpTIc67WqsrcKOYZFwm3KKy/LQ/xRg=");
}

TEST(Keys, are_fresh) {
  EXPECT_NE(make_key_pair()->public_key, make_key_pair()->public_key);
}

TEST(Keys, have_one_text) {
  EXPECT_EQ(key_text(counted()), kCounted);
  EXPECT_EQ(parse_public_key(kCounted), counted());
  const auto pair = *make_key_pair();
  EXPECT_EQ(parse_public_key(key_text(pair.public_key)), pair.public_key);
  EXPECT_EQ(parse_secret_key(secret_text(pair.secret_key))->bytes(), pair.secret_key.bytes());
}

TEST(Keys, nothing_else_is_a_keys_text) {
  const std::string good = kCounted;
  for (const std::string& wrong :
       {std::string(), good.substr(1), good + "=", good + "\n", " " + good, good.substr(0, 43),
        good.substr(0, 43) + "A", "*" + good.substr(1),
        good.substr(0, 42) + "9=", "-_" + good.substr(2), std::string(44, '=')}) {
    EXPECT_FALSE(parse_public_key(wrong)) << wrong;
    EXPECT_FALSE(parse_secret_key(wrong)) << wrong;
  }
}

TEST(Keys, errors_do_not_quote_what_may_be_a_secret) {
  const std::string nearly = "c2VjcmV0";
  EXPECT_THAT(parse_public_key(nearly).error().message, Not(HasSubstr(nearly)));
  EXPECT_THAT(parse_secret_key(nearly).error().message, Not(HasSubstr(nearly)));
}

TEST(Keys, roles_have_names) {
  for (const auto role : {KeyRole::client, KeyRole::worker, KeyRole::admin, KeyRole::coordinator})
    EXPECT_EQ(parse_role(role_name(role)), role);
  EXPECT_FALSE(parse_role("root"));
  EXPECT_FALSE(parse_role(""));
}

TEST(Keys, names_are_words_of_commands_and_files) {
  for (const auto* good : {"a", "laptop", "ci-7.example_2", "_", "7"})
    EXPECT_TRUE(check_key_name(good)) << good;
  EXPECT_TRUE(check_key_name(std::string(64, 'a')));
  for (const auto* wrong : {"", "a b", "a/b", "..", ".a", "-a", "a#", "ü", "a\n"})
    EXPECT_FALSE(check_key_name(wrong)) << wrong;
  EXPECT_FALSE(check_key_name(std::string(65, 'a')));
}

}  // namespace
}  // namespace kiln::auth
