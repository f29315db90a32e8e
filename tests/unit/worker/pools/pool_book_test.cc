#include "worker/pools/pool_book.h"

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

constexpr std::uint64_t kNow = 1'700'000'000;
constexpr std::uint64_t kDay = 24 * 3600;

PoolDefinition definition(const std::string& name, std::uint64_t version, bool deleted = false) {
  PoolDefinition made;
  made.spec.name = name;
  made.version = version;
  made.deleted = deleted;
  made.changed_s = kNow;
  return made;
}

PoolOrder order(const std::string& name, std::uint64_t version, std::uint32_t keep_ready = 0) {
  PoolOrder made;
  made.definition = definition(name, version);
  made.selected = true;
  made.keep_ready = keep_ready;
  return made;
}

TEST(PoolBook, a_pool_that_no_coordinator_orders_is_known_and_not_here) {
  PoolBook book;
  book.learn({definition("a", 3)}, kNow);
  EXPECT_FALSE(book.terms("a").selected);
  EXPECT_EQ(book.terms("a").definition.version, 3U);
  const auto changes = book.apply("c1", 1, true, {order("a", 3)}, kNow);
  EXPECT_EQ(changes.terms, std::vector<std::string>{"a"});
  EXPECT_FALSE(changes.definitions);
  EXPECT_TRUE(book.terms("a").selected);
}

TEST(PoolBook, the_highest_version_and_the_largest_number_kept_ready_win) {
  PoolBook book;
  book.apply("c1", 1, true, {order("a", 2, 3)}, kNow);
  book.apply("c2", 9, true, {order("a", 2, 5)}, kNow);
  EXPECT_EQ(book.terms("a").keep_ready, 5U);
  EXPECT_TRUE(book.apply("c1", 1, false, {order("a", 4, 1)}, kNow).definitions);
  EXPECT_EQ(book.terms("a").definition.version, 4U);
  EXPECT_EQ(book.terms("a").keep_ready, 1U) << "the other one speaks of an older definition";
  const auto stale = book.apply("c2", 9, false, {order("a", 3, 7)}, kNow);
  EXPECT_TRUE(stale.terms.empty());
}

TEST(PoolBook, orders_of_a_coordinator_that_is_gone_for_an_hour_are_void) {
  PoolBook book;
  auto pinned = order("a", 1, 2);
  pinned.stage = {{"cc", "/bin/cc", "x86_64", digest_of("cc")}};
  book.apply("c1", 1, true, {pinned}, kNow);
  book.gone("c1", kNow + 10);
  book.gone("c1", kNow + 500);
  EXPECT_TRUE(book.forget_gone(kNow + 10 + PoolBook::kOrdersLastSeconds - 1).empty());
  EXPECT_TRUE(book.terms("a").selected);
  EXPECT_EQ(book.forget_gone(kNow + 10 + PoolBook::kOrdersLastSeconds),
            std::vector<std::string>{"a"});
  EXPECT_FALSE(book.terms("a").selected);
  EXPECT_TRUE(book.terms("a").stage.empty());
  EXPECT_EQ(book.definitions().size(), 1U);
  EXPECT_EQ(book.apply("c1", 1, true, {pinned}, kNow).terms, std::vector<std::string>{"a"})
      << "back again";
}

TEST(PoolBook, a_coordinator_that_comes_back_in_time_keeps_its_orders) {
  PoolBook book;
  book.apply("c1", 1, true, {order("a", 1)}, kNow);
  book.apply("c2", 1, true, {order("a", 1)}, kNow);
  book.gone("c1", kNow);
  book.here("c1");
  book.gone("c2", kNow);
  EXPECT_TRUE(book.forget_gone(kNow + 2 * PoolBook::kOrdersLastSeconds).empty())
      << "the other one's order holds";
  EXPECT_TRUE(book.terms("a").selected);
}

TEST(PoolBook, of_two_texts_under_one_version_every_worker_believes_the_same) {
  auto one = order("a", 1);
  auto other = one;
  other.definition.spec.init = {{"/bin/true"}};
  PoolBook first;
  first.apply("c1", 1, true, {one}, kNow);
  first.apply("c2", 1, true, {other}, kNow);
  PoolBook second;
  second.apply("c2", 1, true, {other}, kNow);
  second.apply("c1", 1, true, {one}, kNow);
  EXPECT_EQ(first.definitions(), second.definitions());
}

TEST(PoolBook, complete_orders_void_the_coordinators_others) {
  PoolBook book;
  book.apply("c1", 1, true, {order("a", 1), order("b", 1)}, kNow);
  const auto changes = book.apply("c1", 1, true, {order("a", 1)}, kNow);
  EXPECT_EQ(changes.terms, std::vector<std::string>{"b"});
  EXPECT_FALSE(book.terms("b").selected);
  EXPECT_EQ(book.definitions().size(), 2U) << "the definition stays known";
  book.apply("c2", 2, true, {order("b", 1)}, kNow);
  book.apply("c1", 1, true, {}, kNow);
  EXPECT_TRUE(book.terms("b").selected) << "another coordinator's order holds";
}

TEST(PoolBook, a_wish_is_carried_out_once_for_each_coordinator) {
  PoolBook book;
  auto warm = order("a", 1);
  warm.wish_number = 1;
  warm.wish = PoolWish::warm;
  warm.warm = 4;
  const auto first = book.apply("c1", 1, true, {warm}, kNow);
  ASSERT_EQ(first.wishes.size(), 1U);
  EXPECT_EQ(first.wishes[0].warm, 4U);
  EXPECT_TRUE(book.apply("c1", 1, true, {warm}, kNow).wishes.empty());
  EXPECT_EQ(book.apply("c2", 5, true, {warm}, kNow).wishes.size(), 1U);
  warm.wish_number = 2;
  EXPECT_EQ(book.apply("c1", 1, false, {warm}, kNow).wishes.size(), 1U);
  warm.wish_number = 1;
  EXPECT_EQ(book.apply("c1", 2, true, {warm}, kNow).wishes.size(), 1U) << "it counts anew";
}

TEST(PoolBook, the_number_of_the_order_in_force_is_known_of_each_coordinators_life) {
  PoolBook book;
  auto wanted = order("a", 1);
  wanted.number = 7;
  book.apply("c1", 1, true, {wanted}, kNow);
  EXPECT_EQ(book.order_number("c1", 1, "a"), 7U);
  EXPECT_EQ(book.order_number("c1", 2, "a"), 0U) << "the coordinator was started again";
  EXPECT_EQ(book.order_number("c2", 1, "a"), 0U) << "it has ordered nothing";
  EXPECT_EQ(book.order_number("c1", 1, "b"), 0U);
  wanted.number = 9;
  EXPECT_TRUE(book.apply("c1", 1, false, {wanted}, kNow).terms.empty()) << "nothing is to be done";
  EXPECT_EQ(book.order_number("c1", 1, "a"), 9U);
  wanted.number = 3;
  book.apply("c1", 2, true, {wanted}, kNow);
  EXPECT_EQ(book.order_number("c1", 2, "a"), 3U);
}

TEST(PoolBook, a_tombstone_keeps_a_pool_away_for_30_days) {
  PoolBook book;
  auto gone = order("a", 5);
  gone.definition.deleted = true;
  book.apply("c1", 1, true, {gone}, kNow);
  EXPECT_FALSE(book.terms("a").selected);
  const auto back = book.apply("c2", 2, true, {order("a", 4)}, kNow + 29 * kDay);
  EXPECT_FALSE(back.definitions);
  EXPECT_FALSE(book.terms("a").selected);
  EXPECT_EQ(book.definitions().size(), 1U);
  EXPECT_TRUE(book.apply("c2", 2, true, {}, kNow + 30 * kDay).definitions);
  EXPECT_TRUE(book.definitions().empty());
}

TEST(PoolBook, of_two_definitions_with_one_version_all_believe_the_same) {
  for (const bool deleted_first : {true, false}) {
    PoolBook book;
    book.learn({definition("a", 2, deleted_first)}, kNow);
    book.learn({definition("a", 2, !deleted_first)}, kNow);
    EXPECT_TRUE(book.definitions()[0].deleted);
  }
}

TEST(PoolBook, the_default_pool_has_no_definition_but_may_have_toolchains_staged) {
  PoolBook book;
  auto stage = order(kDefaultPool, 7, 9);
  stage.stage = {{"gcc", "/usr/bin/gcc", "x86_64", digest_of("tree")}};
  stage.sources = {"tcp://node:1"};
  EXPECT_EQ(book.apply("c1", 1, true, {stage}, kNow).terms, std::vector<std::string>{"default"});
  EXPECT_TRUE(book.definitions().empty());
  EXPECT_FALSE(book.terms(kDefaultPool).selected);
  EXPECT_EQ(book.terms(kDefaultPool).stage, stage.stage);
  book.apply("c2", 1, true, {stage}, kNow);
  EXPECT_EQ(book.terms(kDefaultPool).stage.size(), 1U) << "each once";
}

}  // namespace
}  // namespace kiln::worker
