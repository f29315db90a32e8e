#include "client/keys/key_folder.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/keys/keys_test.h"

namespace kiln::client {
namespace {

using testing::HasSubstr;
using KeyFolderTest = KeysTest;

PublicKey fresh() {
  return auth::make_key_pair()->public_key;
}

TEST_F(KeyFolderTest, is_a_farms_where_there_is_a_coordinators_key) {
  EXPECT_FALSE(folder_.coordinator().value());
  const PublicKey key = make_coordinator();
  EXPECT_EQ(folder_.coordinator().value(), key);
}

TEST_F(KeyFolderTest, another_key_in_the_coordinators_place_is_refused) {
  ASSERT_TRUE(auth::write_key_file(folder_.coordinator_file(),
                                   {"laptop", KeyRole::client, *auth::make_key_pair(), {}}));
  EXPECT_THAT(folder_.coordinator().error().message, HasSubstr("is a client's key"));
}

TEST_F(KeyFolderTest, is_made_for_its_owner_and_refused_where_others_may_write) {
  ASSERT_TRUE(folder_.prepare());
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0777));
  EXPECT_THAT(folder_.prepare().error().message, HasSubstr("chmod 700 " + folder_.path()));
  EXPECT_FALSE(allow_key(folder_, {"laptop", KeyRole::client, fresh(), kToday, {}}));
  EXPECT_FALSE(revoke_key(folder_, "laptop", kToday));
}

TEST_F(KeyFolderTest, keys_are_allowed_and_revoked_by_name_or_by_key) {
  const PublicKey one = fresh();
  const PublicKey other = fresh();
  EXPECT_EQ(allow_key(folder_, {"one", KeyRole::client, one, kToday, {}}), true);
  EXPECT_EQ(allow_key(folder_, {"one", KeyRole::client, one, kToday, {}}), false);
  EXPECT_EQ(allow_key(folder_, {"other", KeyRole::admin, other, kToday, {}}), true);
  const auto revoked = revoke_key(folder_, "one", kToday);
  ASSERT_TRUE(revoked) << revoked.error().message;
  EXPECT_EQ(revoked->key.key, one);
  EXPECT_EQ(revoked->key.revoked, kToday);
  EXPECT_FALSE(revoked->before);
  EXPECT_TRUE(revoke_key(folder_, "one", kToday)->before);
  EXPECT_EQ(name_of(one), "");
  EXPECT_EQ(name_of(other), "other");
  EXPECT_EQ(revoke_key(folder_, auth::key_text(other), kToday)->key.name, "other");
  EXPECT_EQ(name_of(other), "");
}

TEST_F(KeyFolderTest, what_was_never_allowed_cannot_be_revoked) {
  ASSERT_TRUE(allow_key(folder_, {"one", KeyRole::client, fresh(), kToday, {}}));
  EXPECT_THAT(revoke_key(folder_, "two", kToday).error().message, HasSubstr("has no such key"));
  EXPECT_EQ(revoke_key(folder_, auth::key_text(fresh()), kToday).error().code, Errc::not_found);
}

TEST_F(KeyFolderTest, revoking_makes_no_folder) {
  EXPECT_EQ(revoke_key(folder_, "one", kToday).error().code, Errc::not_found);
  EXPECT_FALSE(std::filesystem::exists(folder_.path()));
}

}  // namespace
}  // namespace kiln::client
