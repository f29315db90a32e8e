#include "worker/tasks/node_health.h"

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

using Verdict = NodeHealth::Verdict;

class NodeHealthTest : public testing::Test {
 protected:
  void end(Verdict verdict) {
    const AttemptId attempt{1, ++last_};
    health_.accepted(attempt);
    health_.ended(attempt, verdict, now_);
  }
  void break_it() {
    for (int i = 0; i < 3; ++i) end(Verdict::fails);
  }
  Duration rest() const { return *health_.next_deadline() - now_; }

  NodeHealth health_{NodeHealth::Policy{}};
  TimePoint now_ = TimePoint() + seconds(1000);
  std::uint64_t last_ = 0;
};

TEST_F(NodeHealthTest, failures_count_only_in_a_row) {
  for (int i = 0; i < 10; ++i) {
    end(Verdict::fails);
    end(Verdict::fails);
    end(Verdict::works);
  }
  EXPECT_TRUE(health_.takes(now_));
  end(Verdict::fails);
  end(Verdict::fails);
  end(Verdict::nothing);
  EXPECT_TRUE(health_.takes(now_));
  end(Verdict::fails);
  EXPECT_FALSE(health_.takes(now_)) << "a cancelled task tells nothing";
}

TEST_F(NodeHealthTest, after_a_rest_one_task_may_try) {
  break_it();
  EXPECT_EQ(rest(), seconds(1));
  now_ += milliseconds(999);
  EXPECT_FALSE(health_.takes(now_));
  EXPECT_FALSE(health_.rest_ended(now_));
  now_ += milliseconds(1);
  EXPECT_TRUE(health_.rest_ended(now_));
  EXPECT_FALSE(health_.rest_ended(now_)) << "told once";
  EXPECT_FALSE(health_.next_deadline());
  EXPECT_TRUE(health_.takes(now_));
  health_.accepted({2, 1});
  EXPECT_FALSE(health_.takes(now_)) << "one at a time";
  health_.ended({2, 1}, Verdict::works, now_);
  EXPECT_TRUE(health_.takes(now_));
  break_it();
  EXPECT_EQ(rest(), seconds(1)) << "it begins anew";
}

TEST_F(NodeHealthTest, each_failed_trial_doubles_the_rest_up_to_a_minute) {
  break_it();
  for (const int expected : {1, 2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_EQ(rest(), seconds(expected));
    now_ += rest();
    end(Verdict::fails);
  }
}

TEST_F(NodeHealthTest, a_trial_that_tells_nothing_lets_another_try) {
  break_it();
  now_ += seconds(1);
  end(Verdict::nothing);
  EXPECT_TRUE(health_.takes(now_));
  end(Verdict::fails);
  EXPECT_EQ(rest(), seconds(2));
}

TEST_F(NodeHealthTest, what_was_accepted_before_neither_ends_nor_prolongs_a_rest) {
  break_it();
  health_.ended({3, 1}, Verdict::works, now_);
  EXPECT_FALSE(health_.takes(now_));
  now_ += milliseconds(500);
  health_.ended({3, 2}, Verdict::fails, now_);
  EXPECT_EQ(rest(), milliseconds(500));
}

}  // namespace
}  // namespace kiln::worker
