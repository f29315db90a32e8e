#include "common/metrics/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::metrics {
namespace {

using testing::HasSubstr;

TEST(Registry, writes_the_text_format) {
  Registry registry;
  registry.counter("kiln_things_total", "Things seen.", {{"kind", "red"}}).add(3);
  registry.gauge("kiln_level", "The level.").set(-2);
  registry.histogram("kiln_wait_seconds", "Waiting.", {0.1, 1}).observe(0.5);
  registry.set_build_info("test", "1.2.3");
  const auto text = registry.text();
  EXPECT_THAT(text, HasSubstr("# HELP kiln_things_total Things seen.\n"));
  EXPECT_THAT(text, HasSubstr("kiln_things_total{kind=\"red\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("kiln_level -2\n"));
  EXPECT_THAT(text, HasSubstr("kiln_wait_seconds_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("component=\"test\""));
}

TEST(Registry, the_same_name_and_labels_are_the_same_metric) {
  Registry registry;
  auto first = registry.counter("kiln_things_total", "Things seen.");
  auto second = registry.counter("kiln_things_total", "Things seen.");
  first.add();
  second.add();
  EXPECT_EQ(first.value(), 2);
}

TEST(Registry, a_handle_without_registry_counts_nothing) {
  Counter counter;
  counter.add();
  EXPECT_EQ(counter.value(), 0);
}

TEST(RegistryDeathTest, one_name_for_two_kinds_is_a_bug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  Registry registry;
  registry.counter("kiln_things", "Things.");
  EXPECT_DEATH(registry.gauge("kiln_things", "Things."), "broken invariant");
}

TEST(Registry, a_family_counts_by_its_label) {
  Registry registry;
  CounterFamily family(registry, "kiln_said_total", "Words said.", "word", {"yes", "never"});
  family.with("yes").add();
  family.with("no").add(2);
  family.with("yes").add();
  EXPECT_EQ(registry.counter("kiln_said_total", "Words said.", {{"word", "yes"}}).value(), 2);
  EXPECT_EQ(registry.counter("kiln_said_total", "Words said.", {{"word", "no"}}).value(), 2);
  EXPECT_THAT(registry.text(), HasSubstr("kiln_said_total{word=\"never\"} 0\n"));
}

TEST(Registry, a_family_with_other_has_no_further_values) {
  Registry registry;
  CounterFamily family(registry, "kiln_said_total", "Words said.", "word", {"yes", "other"});
  family.with("no").add();
  family.with("perhaps").add();
  EXPECT_THAT(registry.text(), HasSubstr("kiln_said_total{word=\"other\"} 2\n"));
  EXPECT_THAT(registry.text(), testing::Not(HasSubstr("perhaps")));
}

TEST(Registry, a_counter_follows_a_total_and_never_falls) {
  Registry registry;
  auto counter = registry.counter("kiln_things_total", "Things seen.");
  counter.reach(3);
  counter.reach(3);
  counter.reach(2);
  EXPECT_EQ(counter.value(), 3);
}

}  // namespace
}  // namespace kiln::metrics
