#include "common/auth/allowed_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/auth/keys.h"

namespace kiln::auth {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr Day kThen = std::chrono::year(2026) / 11 / 27;
constexpr Day kLater = std::chrono::year(2027) / 1 / 2;

PublicKey numbered(std::uint8_t number) {
  PublicKey key;
  key.bytes.fill(number);
  return key;
}

AllowedKey client(const std::string& name, std::uint8_t number) {
  return {name, KeyRole::client, numbered(number), kThen, {}};
}

std::string line(const std::string& before, std::uint8_t number, const std::string& after) {
  return before + " " + key_text(numbered(number)) + " " + after + "\n";
}

std::string error_of(const std::string& text) {
  const auto keys = AllowedKeys::parse(text);
  return keys ? "no error" : keys.error().message;
}

TEST(AllowedKeys, are_found_by_key_and_by_name) {
  AllowedKeys keys;
  EXPECT_EQ(keys.allow(client("laptop", 1)), true);
  EXPECT_EQ(keys.allow({"farm", KeyRole::worker, numbered(2), kThen, {}}), true);
  ASSERT_NE(keys.find(numbered(2)), nullptr);
  EXPECT_EQ(keys.find(numbered(2))->role, KeyRole::worker);
  EXPECT_EQ(keys.find("laptop")->key, numbered(1));
  EXPECT_EQ(keys.find(numbered(3)), nullptr);
  EXPECT_EQ(keys.find("desk"), nullptr);
  EXPECT_EQ(keys.all().size(), 2U);
}

TEST(AllowedKeys, have_a_line_each) {
  AllowedKeys keys;
  ASSERT_TRUE(keys.allow(client("laptop", 1)));
  ASSERT_TRUE(keys.allow(client("desk", 2)));
  ASSERT_EQ(keys.revoke(numbered(1), kLater), true);
  const std::string text = line("revoked client laptop", 1, "2026-11-27 2027-01-02") +
                           line("client desk", 2, "2026-11-27");
  EXPECT_EQ(keys.text(), text);
  const auto read = AllowedKeys::parse(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->all(), keys.all());
}

TEST(AllowedKeys, what_people_wrote_beside_them_stays) {
  const std::string text = "# ours\n\n" + line("client laptop", 1, "2026-11-27  # of Anna") +
                           "  # end\n" + line("worker rack", 2, "2026-11-27");
  auto keys = AllowedKeys::parse(text);
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->text(), text);
  ASSERT_TRUE(keys->revoke(numbered(1), kLater));
  EXPECT_THAT(keys->text(), HasSubstr("2026-11-27 2027-01-02  # of Anna\n  # end\n"));
  EXPECT_EQ(AllowedKeys::parse("client\ta  " + key_text(numbered(1)) + " 2026-11-27\r")->text(),
            line("client a", 1, "2026-11-27\r"));
  EXPECT_EQ(AllowedKeys::parse("")->text(), "");
}

TEST(AllowedKeys, again_the_same_changes_nothing) {
  AllowedKeys keys;
  ASSERT_EQ(keys.allow(client("laptop", 1)), true);
  AllowedKey later = client("laptop", 1);
  later.since = kLater;
  EXPECT_EQ(keys.allow(later), false);
  EXPECT_EQ(keys.find("laptop")->since, kThen);
  EXPECT_EQ(keys.revoke(numbered(1), kThen), true);
  EXPECT_EQ(keys.revoke(numbered(1), kLater), false);
  EXPECT_EQ(keys.find("laptop")->revoked, kThen);
}

TEST(AllowedKeys, a_name_is_one_keys_until_that_is_revoked) {
  AllowedKeys keys;
  ASSERT_TRUE(keys.allow(client("laptop", 1)));
  EXPECT_THAT(keys.allow(client("laptop", 2)).error().message, HasSubstr("revoke that one first"));
  ASSERT_TRUE(keys.revoke(numbered(1), kLater));
  EXPECT_EQ(keys.allow(client("laptop", 2)), true);
  EXPECT_EQ(keys.find("laptop")->key, numbered(2));
  EXPECT_TRUE(keys.find(numbered(1))->revoked);
  EXPECT_EQ(AllowedKeys::parse(keys.text())->find("laptop")->key, numbered(2));
}

TEST(AllowedKeys, a_key_has_one_name_and_role) {
  AllowedKeys keys;
  ASSERT_TRUE(keys.allow(client("laptop", 1)));
  EXPECT_THAT(keys.allow(client("desk", 1)).error().message,
              HasSubstr("is of client laptop already"));
  AllowedKey other = client("laptop", 1);
  other.role = KeyRole::admin;
  EXPECT_EQ(keys.allow(other).error().code, Errc::already_exists);
}

TEST(AllowedKeys, what_was_revoked_does_not_come_back) {
  AllowedKeys keys;
  ASSERT_TRUE(keys.allow(client("laptop", 1)));
  ASSERT_TRUE(keys.revoke(numbered(1), kLater));
  EXPECT_THAT(keys.allow(client("laptop", 1)).error().message,
              HasSubstr("was revoked on 2027-01-02; make a new one"));
  EXPECT_EQ(keys.revoke(numbered(9), kLater).error().code, Errc::not_found);
}

TEST(AllowedKeys, a_coordinator_is_nobodys_client) {
  AllowedKeys keys;
  EXPECT_FALSE(keys.allow({"main", KeyRole::coordinator, numbered(1), kThen, {}}));
  EXPECT_THAT(error_of(line("coordinator main", 1, "2026-11-27")), HasSubstr("nobody's client"));
}

TEST(AllowedKeys, a_line_that_cannot_be_read_fails_with_its_number) {
  const std::string good = "# ours\n" + line("client laptop", 1, "2026-11-27");
  EXPECT_EQ(error_of(good), "no error");
  for (const auto& [wrong, says] : std::vector<std::pair<std::string, std::string>>{
           {"client desk", "a line is ROLE NAME PUBLIC-KEY DAY"},
           {line("client desk", 2, "2026-11-27 2026-11-28"), "a line is"},
           {line("revoked client desk", 2, "2026-11-27"), "a line is"},
           {"revoked", "a line is"},
           {line("friend desk", 2, "2026-11-27"), "the roles are"},
           {line("client de/sk", 2, "2026-11-27"), "a key's name"},
           {"client desk 1234 2026-11-27", "no public key"},
           {line("client desk", 2, "2026-02-30"), "a day is written"},
           {line("client desk", 2, "27.11.2026"), "a day is written"},
           {line("client desk", 2, "2026-1-027"), "a day is written"},
           {line("revoked client desk", 2, "2026-11-27 today"), "a day is written"},
           {line("client desk", 1, "2026-11-27"), "is of client laptop already"},
           {line("client laptop", 2, "2026-11-27"), "another key called laptop"}}) {
    EXPECT_THAT(error_of(good + wrong), StartsWith("3: ")) << wrong;
    EXPECT_THAT(error_of(good + wrong), HasSubstr(says)) << wrong;
  }
}

}  // namespace
}  // namespace kiln::auth
