#include "client/agent/session_desk.h"

#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

class SessionDeskTest : public testing::Test {
 protected:
  SessionDeskTest() : desk_(handlers()) {}

  SessionDesk::Handlers handlers() {
    SessionDesk::Handlers handlers;
    handlers.begin = [this](CallId id, wire::Call call, const SessionWishes& wishes,
                            CallAnswer answer) {
      calls_[id] = {std::move(call), wishes, std::move(answer)};
    };
    handlers.forget = [this](CallId id) { forgotten_.push_back(id); };
    handlers.send = [this](CallServer::ConnectionId id, const wire::Message& message,
                           wire::Frames raw, bool last) {
      sent_.push_back({id, message, std::move(raw), last});
    };
    return handlers;
  }
  bool receive(wire::Message message, CallServer::ConnectionId connection = 1) {
    return desk_.receive(connection, message);
  }
  void open(CallServer::ConnectionId connection = 1) {
    wire::SessionHello hello;
    hello.root_inode = 7;
    EXPECT_TRUE(receive(hello, connection));
    sent_.clear();
  }
  static wire::SessionTask task(std::uint64_t number) {
    wire::SessionTask task;
    task.number = number;
    task.argv = {"true"};
    task.cwd = "/";
    task.pool = "mine";
    task.limits.wall_ms = 5;
    task.patience_ms = 9;
    return task;
  }
  const wire::SessionResult& result(std::size_t index = 0) {
    return std::get<wire::SessionResult>(sent_.at(index).message);
  }

  struct Begun {
    wire::Call call;
    SessionWishes wishes;
    CallAnswer answer;
  };
  struct Sent {
    CallServer::ConnectionId connection = 0;
    wire::Message message;
    wire::Frames raw;
    bool last = false;
  };
  std::map<CallId, Begun> calls_;
  std::vector<CallId> forgotten_;
  std::vector<Sent> sent_;
  SessionDesk desk_;
};

TEST_F(SessionDeskTest, welcomes_with_the_older_ones_version) {
  EXPECT_TRUE(receive(wire::SessionHello{99, 0, 0, 0}));
  EXPECT_EQ(std::get<wire::SessionWelcome>(sent_.at(0).message),
            (wire::SessionWelcome{wire::kSessionVersion, SessionDesk::kTasks}));
  EXPECT_FALSE(sent_.at(0).last);
  EXPECT_TRUE(desk_.has(1));
}

TEST_F(SessionDeskTest, tasks_without_a_session_are_not_its_business) {
  EXPECT_FALSE(receive(task(1)));
  EXPECT_FALSE(receive(wire::SessionCancel{1}));
  open();
  EXPECT_FALSE(receive(wire::Ping{1}));
}

TEST_F(SessionDeskTest, a_task_is_a_call_of_the_sessions_root_and_its_end_a_result) {
  open();
  EXPECT_TRUE(receive(task(4)));
  auto& begun = calls_.at({1, 4});
  EXPECT_EQ(begun.call.root_inode, 7U);
  EXPECT_EQ(begun.call.kind, "run");
  EXPECT_EQ(begun.wishes.pool, "mine");
  EXPECT_EQ(begun.wishes.limits.wall_ms, 5U);
  EXPECT_EQ(begun.wishes.patience, milliseconds(9));
  CallEnd end;
  end.exit_code = 3;
  end.out = "out";
  end.err = "err";
  end.traces.resize(1);
  end.traces[0].node = "w1";
  end.traces[0].attempts = {{"w0", "worker_lost"}, {"w1", "exited"}};
  end.traces[0].acquire = milliseconds(2);
  begun.answer(std::move(end));
  EXPECT_EQ(result().number, 4U);
  EXPECT_EQ(result().outcome, "exited");
  EXPECT_EQ(result().exit_code, 3);
  EXPECT_EQ(result().node, "w1");
  EXPECT_EQ(result().attempts, 2U);
  EXPECT_EQ(result().lease_us, 2000U);
  EXPECT_EQ(sent_.at(0).raw, (wire::Frames{"out", "err"}));
  EXPECT_FALSE(sent_.at(0).last);
}

TEST_F(SessionDeskTest, ends_are_told_apart) {
  open();
  for (std::uint64_t number : {1, 2, 3}) receive(task(number));
  CallEnd died;
  died.signal = 11;
  calls_.at({1, 1}).answer(died);
  CallEnd local;
  local.kind = CallEnd::Kind::locally;
  local.reason = "linking";
  calls_.at({1, 2}).answer(local);
  CallEnd failed;
  failed.kind = CallEnd::Kind::failed;
  failed.reason = "no_worker";
  calls_.at({1, 3}).answer(failed);
  EXPECT_EQ(result(0).outcome, "signalled");
  EXPECT_EQ(result(1).outcome + " " + result(1).reason, "refused linking");
  EXPECT_EQ(result(2).outcome + " " + result(2).reason, "failed no_worker");
}

TEST_F(SessionDeskTest, PoolConformance_row_18_a_cancelled_task_is_given_up_and_answered_once) {
  open();
  receive(task(1));
  EXPECT_TRUE(receive(wire::SessionCancel{1}));
  EXPECT_EQ(forgotten_, (std::vector<CallId>{{1, 1}}));
  EXPECT_EQ(result().reason, "cancelled");
  EXPECT_TRUE(receive(wire::SessionCancel{1}));
  EXPECT_TRUE(receive(wire::SessionCancel{9}));
  EXPECT_EQ(sent_.size(), 1U);
  EXPECT_EQ(forgotten_.size(), 1U);
}

TEST_F(SessionDeskTest, PoolConformance_row_28_a_closed_connection_gives_up_its_tasks_alone) {
  open(1);
  open(2);
  receive(task(1), 1);
  receive(task(2), 1);
  receive(task(1), 2);
  desk_.closed(1);
  EXPECT_EQ(forgotten_, (std::vector<CallId>{{1, 1}, {1, 2}}));
  EXPECT_FALSE(desk_.has(1));
  EXPECT_EQ(desk_.count(), 1U);
  desk_.closed(3);  // a launcher's
  EXPECT_EQ(forgotten_.size(), 2U);
}

TEST_F(SessionDeskTest, tasks_that_make_no_sense_are_answered_so) {
  open();
  receive(task(0));
  auto no_argv = task(1);
  no_argv.argv.clear();
  receive(no_argv);
  auto relative = task(2);
  relative.cwd = "here";
  receive(relative);
  receive(task(3));
  receive(task(3));
  EXPECT_EQ(calls_.size(), 1U);
  ASSERT_EQ(sent_.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(result(i).reason, "invalid_task");
}

TEST_F(SessionDeskTest, there_is_a_bound) {
  open();
  for (std::uint64_t number = 1; number <= SessionDesk::kTasks; ++number) receive(task(number));
  EXPECT_TRUE(sent_.empty());
  receive(task(99'999));
  EXPECT_EQ(result().reason, "overloaded");
  calls_.at({1, 1}).answer(CallEnd{});
  receive(task(99'998));
  EXPECT_TRUE(calls_.contains({1, 99'998}));
}

}  // namespace
}  // namespace kiln::client
