#include "coordinator/server/admission.h"

#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

PublicKey key(std::uint8_t number) {
  PublicKey made;
  made.bytes[0] = number;
  return made;
}

auth::AllowedKeys some() {
  auth::AllowedKeys allowed;
  EXPECT_TRUE(allowed.allow({"laptop", KeyRole::client, key(1)}));
  EXPECT_TRUE(allowed.allow({"node", KeyRole::worker, key(2)}));
  EXPECT_TRUE(allowed.allow({"boss", KeyRole::admin, key(3)}));
  EXPECT_TRUE(allowed.allow({"lost", KeyRole::client, key(4)}));
  EXPECT_TRUE(allowed.revoke(key(4), auth::Day()));
  return allowed;
}

TEST(Admission, each_door_is_for_its_own_roles) {
  const auto allowed = some();
  EXPECT_EQ(why_refused(allowed, Door::client, key(1)), "");
  EXPECT_EQ(why_refused(allowed, Door::client, key(3)), "");
  EXPECT_EQ(why_refused(allowed, Door::client, key(2)), "wrong_role");
  EXPECT_EQ(why_refused(allowed, Door::worker, key(2)), "");
  EXPECT_EQ(why_refused(allowed, Door::worker, key(1)), "wrong_role");
  EXPECT_EQ(why_refused(allowed, Door::worker, key(3)), "wrong_role");
}

TEST(Admission, strangers_and_the_revoked_are_told_apart) {
  const auto allowed = some();
  for (const auto door : {Door::client, Door::worker}) {
    EXPECT_EQ(why_refused(allowed, door, key(4)), "revoked_key");
    EXPECT_EQ(why_refused(allowed, door, key(5)), "unknown_key");
  }
}

TEST(Admission, only_an_administrator_is_one) {
  auto allowed = some();
  EXPECT_TRUE(is_admin(allowed, key(3)));
  EXPECT_FALSE(is_admin(allowed, key(1)));
  EXPECT_FALSE(is_admin(allowed, key(5)));
  ASSERT_TRUE(allowed.revoke(key(3), auth::Day()));
  EXPECT_FALSE(is_admin(allowed, key(3)));
}

TEST(Admission, workers_are_told_of_all_who_are_not_revoked) {
  const auto admissions = admissions_of(some(), 7);
  EXPECT_EQ(admissions.coordinator_epoch, 7U);
  EXPECT_EQ(admissions.clients, (std::vector<PublicKey>{key(1), key(3)}));
  EXPECT_EQ(admissions.workers, std::vector<PublicKey>{key(2)});
}

}  // namespace
}  // namespace kiln::coordinator
