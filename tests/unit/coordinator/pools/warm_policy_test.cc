#include "coordinator/pools/warm_policy.h"

#include <numeric>

#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

constexpr std::uint8_t kWorkdays = 0x1f;
constexpr std::uint8_t kFriday = 1 << 4;
constexpr std::uint8_t kSunday = 1 << 6;

WeekTime at(std::uint8_t weekday, std::uint32_t hour, std::uint32_t minute = 0) {
  return {weekday, hour * 60 + minute};
}

PoolSpec with_windows(std::vector<WarmWindow> windows, std::uint32_t min_warm = 0) {
  PoolSpec spec;
  spec.windows = std::move(windows);
  spec.min_warm = min_warm;
  return spec;
}

TEST(WarmPolicy, a_window_counts_from_its_first_minute_to_before_its_last) {
  const auto spec = with_windows({{kWorkdays, 8 * 60, 20 * 60, 16}}, 2);
  EXPECT_EQ(wanted_ready(spec, at(0, 7, 59)), 2U);
  EXPECT_EQ(wanted_ready(spec, at(0, 8)), 16U);
  EXPECT_EQ(wanted_ready(spec, at(4, 19, 59)), 16U);
  EXPECT_EQ(wanted_ready(spec, at(4, 20)), 2U);
  EXPECT_EQ(wanted_ready(spec, at(5, 12)), 2U) << "Saturday";
}

TEST(WarmPolicy, the_largest_counts_and_a_smaller_window_takes_nothing_away) {
  const auto spec = with_windows({{0x7f, 0, 12 * 60, 4}, {0x7f, 6 * 60, 18 * 60, 9}}, 5);
  EXPECT_EQ(wanted_ready(spec, at(2, 3)), 5U);
  EXPECT_EQ(wanted_ready(spec, at(2, 8)), 9U);
  EXPECT_EQ(wanted_ready(spec, at(2, 18)), 5U);
}

TEST(WarmPolicy, a_window_past_midnight_belongs_to_the_day_on_which_it_opens) {
  const auto spec = with_windows({{kFriday, 22 * 60, 6 * 60, 8}});
  EXPECT_EQ(wanted_ready(spec, at(4, 5)), 0U) << "that is Thursday's night";
  EXPECT_EQ(wanted_ready(spec, at(4, 22)), 8U);
  EXPECT_EQ(wanted_ready(spec, at(5, 5, 59)), 8U);
  EXPECT_EQ(wanted_ready(spec, at(5, 6)), 0U);
  EXPECT_EQ(wanted_ready(spec, at(5, 23)), 0U);
}

TEST(WarmPolicy, a_sunday_night_ends_on_monday) {
  const auto spec = with_windows({{kSunday, 22 * 60, 6 * 60, 8}});
  EXPECT_EQ(wanted_ready(spec, at(0, 5)), 8U);
  EXPECT_EQ(wanted_ready(spec, at(0, 6)), 0U);
}

TEST(WarmPolicy, equal_times_are_a_whole_day) {
  const auto spec = with_windows({{kFriday, 0, 0, 3}});
  EXPECT_EQ(wanted_ready(spec, at(4, 0)), 3U);
  EXPECT_EQ(wanted_ready(spec, at(4, 23, 59)), 3U);
  EXPECT_EQ(wanted_ready(spec, at(5, 0)), 0U);
}

TEST(WarmPolicy, the_next_change_is_when_a_window_opens_or_closes) {
  const auto spec = with_windows({{kWorkdays, 8 * 60, 20 * 60, 16}});
  EXPECT_EQ(minutes_to_change(spec, at(0, 7, 30)), 30U);
  EXPECT_EQ(minutes_to_change(spec, at(0, 8)), 12U * 60);
  EXPECT_EQ(minutes_to_change(spec, at(4, 20)), (4 + 24 + 24 + 8) * 60U) << "until Monday";
  EXPECT_EQ(minutes_to_change(with_windows({}), at(0, 0)), 0U);
  EXPECT_EQ(minutes_to_change(with_windows({{kSunday, 22 * 60, 6 * 60, 8}}), at(6, 23)), 7U * 60);
}

TEST(WarmPolicy, nothing_changes_before_the_next_change) {
  const auto spec =
      with_windows({{kFriday, 22 * 60, 6 * 60, 8}, {kWorkdays, 9 * 60 + 5, 17 * 60, 3}}, 1);
  WeekTime time{};
  for (std::uint32_t passed = 0; passed < kMinutesOfWeek;) {
    const auto wanted = wanted_ready(spec, time);
    const auto step = minutes_to_change(spec, time);
    ASSERT_GT(step, 0U);
    for (std::uint32_t i = 0; i < step; ++i) {
      ASSERT_EQ(wanted_ready(spec, time), wanted) << passed + i;
      if (++time.minute == kMinutesOfDay)
        time = {static_cast<std::uint8_t>((time.weekday + 1) % 7)};
    }
    passed += step;
  }
}

std::vector<std::uint32_t> spread_over(std::uint32_t total, std::vector<Share> shares) {
  spread(total, shares);
  std::vector<std::uint32_t> given;
  for (const auto& share : shares) given.push_back(share.given);
  return given;
}

TEST(WarmPolicy, executors_are_spread_by_size_and_leftovers_by_remainder_then_name) {
  using Given = std::vector<std::uint32_t>;
  EXPECT_EQ(spread_over(4, {{"a", 4}, {"b", 4}}), (Given{2, 2}));
  EXPECT_EQ(spread_over(5, {{"b", 4}, {"a", 4}}), (Given{2, 3})) << "the first by name";
  EXPECT_EQ(spread_over(6, {{"a", 8}, {"b", 4}}), (Given{4, 2}));
  EXPECT_EQ(spread_over(1, {{"a", 1}, {"b", 8}}), (Given{0, 1}));
  EXPECT_EQ(spread_over(0, {{"a", 4}}), (Given{0}));
  EXPECT_EQ(spread_over(7, {}), Given{});
  EXPECT_EQ(spread_over(7, {{"a", 0}}), (Given{0}));
}

TEST(WarmPolicy, a_spread_sums_up_and_never_exceeds_a_node) {
  const std::vector<Share> shares = {{"a", 3}, {"b", 7}, {"c", 1}, {"d", 16}, {"e", 2}};
  for (std::uint32_t total = 0; total <= 40; ++total) {
    const auto given = spread_over(total, shares);
    EXPECT_EQ(std::accumulate(given.begin(), given.end(), 0U), std::min(total, 29U));
    for (std::size_t i = 0; i < given.size(); ++i) EXPECT_LE(given[i], shares[i].most);
  }
}

}  // namespace
}  // namespace kiln::coordinator
