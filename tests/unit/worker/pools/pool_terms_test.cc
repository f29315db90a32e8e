#include "worker/pools/pool_terms.h"

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

PoolTerms terms() {
  PoolTerms made;
  made.selected = true;
  made.definition.version = 3;
  made.definition.spec.name = "a";
  return made;
}

TEST(PoolTerms, row_2_without_a_number_a_pool_has_as_many_executors_as_the_node_slots) {
  auto asked = terms();
  EXPECT_EQ(settings_of(asked, {6, "x86_64"}).capacity, 6U);
  asked.definition.spec.executors = 2;
  EXPECT_EQ(settings_of(asked, {6, "x86_64"}).capacity, 2U);
}

TEST(PoolTerms, an_initializer_without_a_toolchain_for_this_node_is_refused) {
  auto asked = terms();
  asked.definition.spec.init = {{"/bin/true"}};
  asked.definition.spec.toolchains = {{"gcc", "/usr/bin/gcc", "aarch64", {}}};
  EXPECT_NE(settings_of(asked, {1, "x86_64"}).refusal.find("x86_64"), std::string::npos);
  EXPECT_EQ(settings_of(asked, {1, "aarch64"}).refusal, "");
}

TEST(PoolTerms, a_deleted_pool_is_not_here_whoever_selects_it) {
  auto asked = terms();
  asked.definition.deleted = true;
  EXPECT_FALSE(settings_of(asked, {1, "x86_64"}).present);
}

TEST(PoolTerms, what_needs_no_other_executors_is_no_part_of_the_recipe) {
  auto asked = terms();
  const auto before = settings_of(asked, {1, "x86_64"}).recipe;
  asked.definition.spec.executors = 7;
  asked.definition.spec.idle_ms = 5;
  asked.definition.spec.limits.wall_ms = 9;
  EXPECT_EQ(settings_of(asked, {1, "x86_64"}).recipe, before);
  asked.definition.spec.context = PoolContext::fork;
  EXPECT_NE(settings_of(asked, {1, "x86_64"}).recipe, before);
}

TEST(PoolTerms, a_tasks_limits_stay_within_its_pools) {
  const Limits pool{1000, 0, 50};
  EXPECT_EQ(bounded({0, 0, 0}, pool), (Limits{1000, 0, 50}));
  EXPECT_EQ(bounded({10, 20, 100}, pool), (Limits{10, 20, 50}));
}

}  // namespace
}  // namespace kiln::worker
