#include "worker/server/guest_list.h"

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

PublicKey key(std::uint8_t number) {
  PublicKey made;
  made.bytes[0] = number;
  return made;
}

TEST(GuestList, nobody_comes_in_before_a_coordinator_has_spoken) {
  const GuestList guests;
  EXPECT_FALSE(guests.may_run(key(1)));
  EXPECT_FALSE(guests.may_fetch(key(1)));
}

TEST(GuestList, clients_run_and_fetch_and_workers_only_fetch) {
  GuestList guests;
  guests.set("a", {1, {key(1)}, {key(2)}});
  EXPECT_TRUE(guests.may_run(key(1)));
  EXPECT_TRUE(guests.may_fetch(key(1)));
  EXPECT_FALSE(guests.may_run(key(2)));
  EXPECT_TRUE(guests.may_fetch(key(2)));
  EXPECT_FALSE(guests.may_fetch(key(3)));
}

TEST(GuestList, what_a_coordinator_says_takes_the_place_of_its_own_words_only) {
  GuestList guests;
  guests.set("a", {1, {key(1)}, {}});
  guests.set("b", {2, {key(2)}, {}});
  guests.set("a", {1, {key(3)}, {}});
  EXPECT_FALSE(guests.may_run(key(1)));
  EXPECT_TRUE(guests.may_run(key(2)));
  EXPECT_TRUE(guests.may_run(key(3)));
}

}  // namespace
}  // namespace kiln::worker
