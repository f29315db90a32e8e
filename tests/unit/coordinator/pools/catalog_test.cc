#include "coordinator/pools/catalog.h"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/pools/pool_spec.h"

namespace kiln::coordinator {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kDay = 24 * 3600;

PoolSpec spec(const std::string& name, std::uint32_t executors = 4) {
  PoolSpec out;
  out.name = name;
  out.executors = executors;
  return out;
}

PoolToolchain gcc() {
  return {"gcc", "/usr/bin/gcc", "x86_64", digest_of("gcc")};
}

TEST(PoolConformance, row_5_the_same_pool_twice_is_one_pool) {
  PoolCatalog catalog;
  const auto first = catalog.create(spec("cc"), 100);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->existed);
  const auto second = catalog.create(spec("cc"), 200);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->existed);
  EXPECT_EQ(second->definition, first->definition);
}

TEST(PoolConformance, row_5_another_definition_under_a_taken_name_is_refused_with_the_difference) {
  PoolCatalog catalog;
  ASSERT_TRUE(catalog.create(spec("cc", 4), 100));
  auto other = spec("cc", 8);
  other.context = PoolContext::fork;
  const auto refused = catalog.create(other, 100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::already_exists);
  EXPECT_EQ(refused.error().message,
            "pool \"cc\" exists with other settings: --context is spawn, not fork; --executors is "
            "4, not 8; kiln pool delete cc first, or use another name");
}

TEST(SpecDifference, is_in_the_words_of_who_makes_a_pool) {
  auto there = spec("cc");
  auto asked = there;
  there.idle_ms = 600'000;
  there.environment = {{"A", "1"}, {"B", "2"}};
  asked.init_limit_ms = 90'000;
  asked.environment = {{"A", "1"}};
  EXPECT_EQ(difference(there, asked),
            "--env is A=1 and B=2, not A=1; --idle is 10m, not unset; --init-timeout is unset, not "
            "90s");
}

TEST(SpecDifference, a_toolchain_that_is_another_under_the_same_name_is_told) {
  auto there = spec("cc");
  there.toolchains = {{"g++", "/usr/bin/g++", "x86_64", digest_of("one")}};
  auto asked = there;
  asked.toolchains[0].digest = digest_of("other");
  EXPECT_EQ(difference(there, asked),
            "--toolchain g++ is another program of that name there "
            "(/usr/bin/g++ " +
                digest_of("one").short_hex() + ", not /usr/bin/g++ " +
                digest_of("other").short_hex() + ")");
}

TEST(PoolCatalog, every_change_has_a_higher_version) {
  PoolCatalog catalog;
  EXPECT_EQ(catalog.create(spec("a"), 1)->definition->version, 1U);
  EXPECT_EQ(catalog.create(spec("b"), 1)->definition->version, 2U);
  EXPECT_EQ((*catalog.resize("a", 9, 1))->version, 3U);
  EXPECT_EQ((*catalog.resize("a", 9, 1))->version, 3U) << "no change";
  EXPECT_EQ((*catalog.remove("a", 1))->version, 4U);
  EXPECT_EQ(catalog.create(spec("a"), 1)->definition->version, 5U);
}

TEST(PoolCatalog, the_operators_word_replaces_another_definition) {
  PoolCatalog catalog;
  ASSERT_TRUE(catalog.create(spec("cc", 4), 1));
  const auto replaced = catalog.put(spec("cc", 8), 1);
  ASSERT_TRUE(replaced);
  EXPECT_EQ(replaced->definition->version, 2U);
  EXPECT_EQ(catalog.put(spec("cc", 8), 1)->definition->version, 2U);
  EXPECT_EQ(catalog.find("cc")->spec.executors, 8U);
}

TEST(PoolCatalog, the_default_pool_cannot_be_touched) {
  PoolCatalog catalog;
  EXPECT_EQ(catalog.create(spec("default"), 1).error().code, Errc::invalid_argument);
  EXPECT_EQ(catalog.put(spec("default"), 1).error().code, Errc::invalid_argument);
  EXPECT_EQ(catalog.resize("default", 1, 1).error().code, Errc::invalid_argument);
  EXPECT_EQ(catalog.remove("default", 1).error().code, Errc::invalid_argument);
  PoolDefinition foreign{spec("default"), 7, false, 1};
  EXPECT_FALSE(catalog.learn(foreign, 1));
}

TEST(PoolCatalog, what_is_not_there_cannot_be_changed) {
  PoolCatalog catalog;
  EXPECT_EQ(catalog.resize("cc", 1, 1).error().code, Errc::not_found);
  EXPECT_EQ(catalog.remove("cc", 1).error().code, Errc::not_found);
}

TEST(PoolCatalog, a_deleted_pool_stays_deleted_for_thirty_days) {
  PoolCatalog catalog;
  const auto made = catalog.create(spec("cc"), 100)->definition;
  ASSERT_TRUE(catalog.remove("cc", 200));
  EXPECT_EQ(catalog.find("cc"), nullptr);
  EXPECT_FALSE(catalog.learn(*made, 300)) << "an old worker's word";
  catalog.forget_deleted(200 + 30 * kDay - 1);
  EXPECT_EQ(catalog.all().size(), 1U);
  catalog.forget_deleted(200 + 30 * kDay);
  EXPECT_TRUE(catalog.all().empty());
}

TEST(PoolCatalog, definitions_are_learned_and_the_higher_version_wins) {
  PoolCatalog catalog;
  EXPECT_TRUE(catalog.learn({spec("cc", 4), 3, false, 1}, 1));
  EXPECT_FALSE(catalog.learn({spec("cc", 5), 2, false, 1}, 1));
  EXPECT_EQ(catalog.find("cc")->spec.executors, 4U);
  EXPECT_TRUE(catalog.learn({spec("cc", 6), 5, false, 1}, 1));
  EXPECT_FALSE(catalog.learn({spec("cc", 6), 5, false, 1}, 1)) << "known";
  EXPECT_EQ((*catalog.resize("cc", 7, 1))->version, 6U);
}

TEST(PoolCatalog, a_tombstone_is_learned_too_but_not_an_ancient_one) {
  PoolCatalog catalog;
  ASSERT_TRUE(catalog.learn({spec("cc"), 3, false, 1}, 1));
  EXPECT_TRUE(catalog.learn({spec("cc"), 4, true, 1}, 2));
  EXPECT_EQ(catalog.find("cc"), nullptr);
  EXPECT_FALSE(catalog.learn({spec("old"), 4, true, 1}, 1 + 31 * kDay));
}

TEST(PoolCatalog, equal_versions_end_the_same_in_any_order) {
  std::vector<PoolDefinition> rivals = {
      {spec("cc", 4), 3, false, 10}, {spec("cc", 5), 3, false, 10}, {spec("cc", 6), 3, false, 9}};
  std::sort(rivals.begin(), rivals.end(),
            [](const auto& a, const auto& b) { return a.spec.executors < b.spec.executors; });
  do {
    PoolCatalog catalog;
    for (const auto& rival : rivals) catalog.learn(rival, 20);
    EXPECT_EQ(catalog.find("cc")->spec.executors, 5U);
    catalog.learn({spec("cc"), 3, true, 1}, 20);
    EXPECT_EQ(catalog.find("cc"), nullptr) << "a deletion wins";
  } while (std::next_permutation(rivals.begin(), rivals.end(), [](const auto& a, const auto& b) {
    return a.spec.executors < b.spec.executors;
  }));
}

TEST(PoolCatalog, pools_and_their_text_are_bounded) {
  PoolCatalog catalog;
  for (std::size_t i = 0; i < PoolCatalog::kMaxPools; ++i) {
    ASSERT_TRUE(catalog.create(spec("p" + std::to_string(i)), 1));
  }
  EXPECT_EQ(catalog.create(spec("more"), 1).error().code, Errc::resource_exhausted);
  EXPECT_FALSE(catalog.learn({spec("more"), 9'999, false, 1}, 1));
  ASSERT_TRUE(catalog.remove("p0", 1));
  EXPECT_TRUE(catalog.create(spec("more"), 1));

  PoolCatalog wordy;
  auto large = spec("");
  large.nodes = {"key=" + std::string(kMaxSpecBytes - 1'000, 'x')};
  std::size_t made = 0;
  for (; made < PoolCatalog::kMaxPools; ++made) {
    large.name = "p" + std::to_string(made);
    if (!wordy.create(large, 1)) break;
  }
  EXPECT_LT(made, PoolCatalog::kMaxPools);
  EXPECT_LE(made * (kMaxSpecBytes - 1'000), PoolCatalog::kMaxBytes);
}

TEST(PoolCatalog, deleted_names_are_bounded_and_the_oldest_go) {
  PoolCatalog catalog;
  for (std::size_t i = 0; i <= PoolCatalog::kMaxTombstones; ++i) {
    ASSERT_TRUE(catalog.create(spec("p" + std::to_string(i)), i));
    ASSERT_TRUE(catalog.remove("p" + std::to_string(i), i));
  }
  const auto all = catalog.all();
  EXPECT_EQ(all.size(), PoolCatalog::kMaxTombstones);
  EXPECT_TRUE(
      std::none_of(all.begin(), all.end(), [](const auto& one) { return one->spec.name == "p0"; }));
}

// ---- What a definition may hold ----------------------------------------------------------------

std::string problem_of(const std::function<void(PoolSpec&)>& spoil) {
  auto broken = spec("cc");
  broken.toolchains = {gcc()};
  EXPECT_TRUE(check_spec(broken));
  spoil(broken);
  const auto status = check_spec(broken);
  if (status) return "none";
  EXPECT_EQ(status.error().code, Errc::invalid_argument);
  return status.error().message;
}

TEST(PoolSpec, names_are_plain_words) {
  for (const auto* bad : {"", "-a", ".a", "a b", "a/b", "a\n"}) {
    EXPECT_THAT(problem_of([&](PoolSpec& s) { s.name = bad; }),
                HasSubstr("name: \"" + std::string(bad) + "\""));
  }
}

TEST(PoolSpec, each_field_is_checked_and_named) {
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.executors = 4'097; }),
              HasSubstr("executors: 4097 is too much, at most 4096"));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.init = {{}}; }), HasSubstr("init: "));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.init_limit_ms = 0; }), HasSubstr("--init-timeout: "));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.init_limit_ms = 7'200'000; }),
              HasSubstr("--init-timeout: 2h is too much, at most 1h"));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.keep_resident = {"lib"}; }), HasSubstr("\"lib\""));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.environment = {{"A=B", ""}}; }), HasSubstr("\"A=B\""));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.nodes = {"zone="}; }), HasSubstr("nodes: \"zone=\""));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.min_warm = 2'000'000; }), HasSubstr("--min-warm: "));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.windows = {{0, 0, 60, 1}}; }), HasSubstr("day"));
  EXPECT_THAT(problem_of([](PoolSpec& s) {
                s.windows = {{1, 1'440, 60, 1}};
              }),
              HasSubstr("before 24:00"));
  EXPECT_THAT(problem_of([](PoolSpec& s) {
                s.windows = {{1, 0, 1'440, 1}};
              }),
              HasSubstr("before 24:00"));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.toolchains[0].program = "gcc"; }),
              HasSubstr("\"gcc\", is no absolute path"));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.toolchains[0].digest = {}; }), HasSubstr("digest"));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.probe = {""}; }), HasSubstr("probe: "));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.init = {{std::string("a\0b", 3)}}; }),
              HasSubstr("zero byte"));
  EXPECT_THAT(problem_of([](PoolSpec& s) { s.init = {{std::string(20'000, 'x')}}; }),
              HasSubstr("bytes of text"));
}

TEST(PoolSpec, what_runs_in_a_root_needs_a_toolchain) {
  EXPECT_THAT(problem_of([](PoolSpec& s) {
                s.toolchains.clear();
                s.init = {{"true"}};
              }),
              HasSubstr("init: it needs the root of a toolchain"));
  EXPECT_THAT(problem_of([](PoolSpec& s) {
                s.toolchains.clear();
                s.probe = {"true"};
              }),
              HasSubstr("probe: it needs the root of a toolchain"));
}

TEST(PoolSpec, equal_text_means_equal_definitions) {
  auto one = spec("cc");
  one.init = {{"a", "b"}};
  auto two = one;
  two.init = {{"a"}, {"b"}};
  EXPECT_NE(fields_of(one), fields_of(two));
  two.init = {{"a\", \"b"}};
  EXPECT_NE(fields_of(one), fields_of(two));
  EXPECT_EQ(difference(one, one), "");
}

}  // namespace
}  // namespace kiln::coordinator
