#include "common/wire/salvage.h"

#include <gtest/gtest.h>

#include "common/wire/codec.h"

namespace kiln::wire {
namespace {

const AttemptId kAttempt{7, 300};

// The map of a result of kAttempt.
std::string result_map() {
  RunResult result;
  result.attempt = kAttempt;
  result.stdout_size = 1'000;
  return encode(result)[1];
}

TEST(Salvage, row_17_a_result_that_ends_too_early_still_names_its_attempt) {
  const auto header = encode(RunResult{}).front();
  const auto map = result_map();
  const std::size_t end_of_attempt = encode(Ack{kAttempt})[1].size();  // a map of it alone
  for (std::size_t size = 0; size < map.size(); ++size) {
    const auto cut = map.substr(0, size);
    ASSERT_FALSE(decode({header, cut})) << size;
    const auto rest = salvage(header, cut);
    EXPECT_TRUE(rest.is_result);
    EXPECT_EQ(rest.attempt.has_value(), size >= end_of_attempt) << size;
    if (rest.attempt) {
      EXPECT_EQ(*rest.attempt, kAttempt);
    }
  }
}

TEST(Salvage, row_17_a_field_of_a_wrong_type_does_not_hide_the_attempt) {
  auto map = result_map();
  const auto field = map.find("stdout_size");
  ASSERT_NE(field, std::string::npos);
  map[field + std::string("stdout_size").size()] = '\xc0';  // nil
  const auto header = encode(RunResult{}).front();
  ASSERT_FALSE(decode({header, map}));
  EXPECT_EQ(salvage(header, map).attempt, kAttempt);
}

TEST(Salvage, other_kinds_are_no_results) {
  const auto frames = encode(Accepted{kAttempt, TaskPhase::queued, 1});
  const auto rest = salvage(frames[0], frames[1]);
  EXPECT_FALSE(rest.is_result);
  EXPECT_EQ(rest.attempt, kAttempt);
}

TEST(Salvage, nothing_is_found_where_nothing_is) {
  for (const std::string map : {"", "x", "\x81", "\xde", "\xdf\xff\xff\xff\xff",
                                "\x81\xa7"
                                "attempt",
                                "\x81\xa7"
                                "attempt\x01",
                                "\x80\x81"}) {
    EXPECT_FALSE(salvage("", map).attempt) << map.size();
  }
}

}  // namespace
}  // namespace kiln::wire
