#include "client/library/flight.h"

#include <gtest/gtest.h>

#include "client/library/pending_task.h"

namespace kiln::v1 {
namespace {

class FlightTest : public testing::Test {
 protected:
  bool add(std::uint64_t number, Flight::Owner owner = 1) {
    wire::SessionTask message;
    message.number = number;
    return flight_.add(owner, std::move(message),
                       std::make_shared<PendingTask>(std::weak_ptr<Core>(), number, "job"));
  }
  std::uint64_t next() {
    const auto message = flight_.next();
    return message ? message->number : 0;
  }
  Flight flight_{3};
};

TEST_F(FlightTest, nothing_leaves_without_an_agent) {
  add(1);
  EXPECT_EQ(next(), 0U);
  flight_.set_window(1);
  EXPECT_EQ(next(), 1U);
}

TEST_F(FlightTest, the_window_opens_with_each_answer) {
  flight_.set_window(2);
  for (std::uint64_t number : {1, 2, 3}) EXPECT_TRUE(add(number));
  EXPECT_FALSE(add(4)) << "three are pending";
  EXPECT_EQ(next(), 1U);
  EXPECT_EQ(next(), 2U);
  EXPECT_EQ(next(), 0U);
  EXPECT_EQ(flight_.end(2)->number(), 2U);
  EXPECT_EQ(next(), 3U);
  EXPECT_EQ(flight_.end(2), nullptr) << "answered once";
  EXPECT_EQ(flight_.pending(), 2U);
}

TEST_F(FlightTest, an_answer_to_what_was_never_sent_ends_nothing) {
  add(1);
  EXPECT_EQ(flight_.end(1), nullptr);
  EXPECT_EQ(flight_.pending(), 1U);
}

TEST_F(FlightTest, a_cancelled_task_that_was_sent_stays_until_its_answer) {
  flight_.set_window(1);
  add(1);
  add(2);
  next();
  Flight::TaskPtr task;
  EXPECT_EQ(flight_.cancel(1, task), Flight::Cancel::was_sent);
  EXPECT_EQ(flight_.cancel(2, task), Flight::Cancel::was_waiting);
  EXPECT_EQ(task->number(), 2U);
  EXPECT_EQ(flight_.cancel(2, task), Flight::Cancel::unknown);
  EXPECT_EQ(flight_.end(1)->number(), 1U);
}

TEST_F(FlightTest, dropped_tasks_keep_their_place_at_the_agent) {
  flight_.set_window(1);
  add(1);
  add(2);
  add(3, 2);
  next();
  const auto dropped = flight_.drop(1);
  EXPECT_EQ(dropped.tasks.size(), 2U);
  EXPECT_EQ(dropped.sent, std::vector<std::uint64_t>{1});
  EXPECT_EQ(flight_.pending(), 1U);
  EXPECT_EQ(next(), 0U) << "the agent has not answered yet";
  EXPECT_EQ(flight_.end(1), nullptr);
  EXPECT_EQ(next(), 3U);
}

TEST_F(FlightTest, all_are_taken_in_order) {
  flight_.set_window(1);
  for (std::uint64_t number : {1, 2, 3}) add(number);
  next();
  const auto tasks = flight_.take_all();
  ASSERT_EQ(tasks.size(), 3U);
  EXPECT_EQ(tasks[0]->number(), 1U);
  EXPECT_EQ(tasks[2]->number(), 3U);
  EXPECT_EQ(flight_.pending() + flight_.waiting() + flight_.sent(), 0U);
}

}  // namespace
}  // namespace kiln::v1
