#include "client/agent/local_runs.h"

#include <array>
#include <optional>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/client/agent/turning.h"

namespace kiln::client {
namespace {

class LocalRunsTest : public testing::Test {
 protected:
  // Readable once the other end is closed, as the descriptor of a process is once that has ended.
  UniqueFd begin_process() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    running_ = UniqueFd(ends[1]);
    return UniqueFd(ends[0]);
  }

  std::unique_ptr<net::Reactor> reactor_ = std::move(*net::Reactor::create());
  UniqueFd running_;
  std::optional<std::uint64_t> ended_;
  LocalRuns runs_{*reactor_, [this](BuildBook::JobId job) { ended_ = job.number; }};
};

TEST_F(LocalRunsTest, the_end_of_a_process_is_that_of_its_job) {
  runs_.watch(begin_process(), {1, 7});
  EXPECT_FALSE(turn_until(
      *reactor_, [&] { return ended_.has_value(); }, milliseconds(5)));
  running_.reset();
  EXPECT_TRUE(turn_until(*reactor_, [&] { return ended_.has_value(); }));
  EXPECT_EQ(ended_, 7U);
}

TEST_F(LocalRunsTest, no_process_is_no_harm) {
  runs_.watch(UniqueFd(), {1, 7});
  runs_.watch(begin_process(), {1, 8});  // goes with the runs
  EXPECT_FALSE(ended_);
}

}  // namespace
}  // namespace kiln::client
