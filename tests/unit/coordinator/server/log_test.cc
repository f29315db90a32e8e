// What agents are told of logs, and who may change them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/server/server_fixture.h"

namespace kiln::coordinator {
namespace {

using testing::HasSubstr;

class LogSide : public ServerTest {
 protected:
  static void greet_as_agent(Peer& peer) {
    peer.send(wire::ClientHello{5, "host", "user", "1"});
    EXPECT_TRUE(peer.expect<wire::ClientWelcome>());
  }
  static void greet_as_node(Peer& peer) {
    peer.send(hello("a"));
    EXPECT_TRUE(peer.expect<wire::WorkerWelcome>());
  }
};

TEST_F(LogSide, a_nodes_worker_is_asked_and_answers) {
  auto there = worker();
  greet_as_node(there);
  auto asker = client();
  greet_as_agent(asker);
  asker.send(wire::LogChange{7, "a", "pools=debug", 1000});
  const auto asked = there.expect<wire::LogChange>();
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->levels, "pools=debug");
  EXPECT_EQ(asked->lasts_ms, 1000U);
  there.send(wire::LogState{asked->request, {{"pools", "debug", "info", 900}}});
  const auto state = asker.expect<wire::LogState>();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->request, 7U);
  EXPECT_EQ(state->parts.at(0), (wire::LogPart{"pools", "debug", "info", 900}));
}

TEST_F(LogSide, what_the_worker_refuses_is_passed_on) {
  auto there = worker();
  greet_as_node(there);
  auto asker = client();
  greet_as_agent(asker);
  asker.send(wire::LogChange{7, "a", "pool=debug", 0});
  const auto asked = there.expect<wire::LogChange>();
  ASSERT_TRUE(asked);
  there.send(wire::Refused{asked->request, "invalid_argument", "no part"});
  const auto refused = asker.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->request, 7U);
  EXPECT_EQ(refused->reason, "no part");
}

TEST_F(LogSide, a_worker_that_does_not_know_the_question_is_not_waited_for) {
  auto there = worker();
  greet_as_node(there);
  auto asker = client();
  greet_as_agent(asker);
  asker.send(wire::LogChange{7, "a", "", 0});
  const auto refused = asker.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, name(Errc::timed_out));
}

TEST_F(LogSide, nodes_that_are_not_there_are_named) {
  auto asker = client();
  greet_as_agent(asker);
  asker.send(wire::LogChange{7, "b", "", 0});
  const auto refused = asker.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, name(Errc::not_found));
  EXPECT_THAT(refused->reason, HasSubstr("\"b\""));
}

}  // namespace
}  // namespace kiln::coordinator
