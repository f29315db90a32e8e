// Streams through a coordinator, over real sockets: its agents and workers are the real ends.
#include "coordinator/server/relay.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/net/relay_connection.h"
#include "common/net/relay_listener.h"
#include "common/net/relay_trunk.h"
#include "common/wire/relay_frame.h"
#include "tests/unit/coordinator/server/server_fixture.h"

namespace kiln::coordinator {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr std::size_t kMiB = std::size_t{1} << 20;

class RelayTest : public ServerTest {
 protected:
  // A worker that answers each message by the same.
  struct Node {
    Node(RelayTest& test, const std::string& name, std::uint64_t epoch = 1)
        : control(test.worker()) {
      control.send(hello(name, epoch));
      EXPECT_TRUE(control.expect<wire::WorkerWelcome>());
      trunk = std::move(*net::RelayTrunk::connect(*test.reactor_, test.context_, Logger(),
                                                  test.server_->endpoints().worker, {},
                                                  wire::RelayHello{name, epoch}));
      trunk->mux().on_open([this](net::StreamId stream, const wire::RelayOpen& open) {
        return listener.accept(trunk->mux(), stream, open);
      });
      listener.on_message([this](const net::PeerId& peer, wire::Frames frames) {
        ++messages;
        (void)listener.send(peer, std::move(frames));
      });
      listener.on_disconnect([this](const net::PeerId&) { ++gone; });
    }

    Peer control;
    net::RelayListener listener{false};
    std::unique_ptr<net::RelayTrunk> trunk;
    int messages = 0;
    int gone = 0;
  };
  // A worker's end, made by hand, that takes streams and reads nothing of them.
  struct StoppedNode {
    StoppedNode(RelayTest& test, const std::string& name)
        : control(test.worker()), streams(test.worker()) {
      control.send(hello(name));
      EXPECT_TRUE(control.expect<wire::WorkerWelcome>());
      streams.send(wire::RelayHello{name, 1});
      EXPECT_TRUE(streams.expect<wire::RelayHello>());
    }
    void take(std::uint32_t credit) {
      auto open = streams.expect<wire::RelayOpen>();
      ASSERT_TRUE(open);
      open->credit = credit;
      streams.send(*open);
      stream = open->stream;
    }

    Peer control;
    Peer streams;
    std::uint64_t stream = 0;
  };
  // An agent's connection to a worker.
  struct Call {
    Call(RelayTest& test, net::RelayTrunk& trunk, const std::string& name, std::uint64_t epoch = 1)
        : connection(*test.reactor_, {&trunk}, {name, epoch, wire::RelayChannel::task}) {
      connection.on_message(
          [this](wire::Frames frames) { received.push_back(std::move(frames[0])); });
      connection.on_state([this](bool up) { up ? ++ups : ++downs; });
    }

    net::RelayConnection connection;
    std::vector<std::string> received;
    int ups = 0;
    int downs = 0;
  };

  void SetUp() override {
    ServerTest::SetUp();
    trunk_ = agents_trunk();
  }
  void TearDown() override {
    trunk_.reset();
    ServerTest::TearDown();
  }
  std::unique_ptr<net::RelayTrunk> agents_trunk() {
    return std::move(
        *net::RelayTrunk::connect(*reactor_, context_, Logger(), server_->endpoints().client, {}));
  }
  template <typename Condition>
  bool until(Condition&& condition) {
    return turn_until(*reactor_, condition);
  }
  bool up(const Call& call) {
    return until([&] { return call.connection.connected(); });
  }

  std::unique_ptr<net::RelayTrunk> trunk_;
};

TEST_F(RelayTest, messages_of_any_size_go_there_and_back) {
  Node node(*this, "w");
  Call call(*this, *trunk_, "w");
  ASSERT_TRUE(up(call));
  const std::string large(5 * kMiB, 'x');
  ASSERT_TRUE(call.connection.send({"small"}));
  ASSERT_TRUE(call.connection.send({large}));
  ASSERT_TRUE(until([&] { return call.received.size() == 2; }));
  EXPECT_EQ(call.received[0], "small");
  EXPECT_EQ(call.received[1], large);
}

TEST_F(RelayTest, a_worker_that_comes_later_is_reached_then) {
  Call call(*this, *trunk_, "w");
  EXPECT_FALSE(turn_until(
      *reactor_, [&] { return call.connection.connected(); }, milliseconds(100)));
  Node node(*this, "w");
  EXPECT_TRUE(up(call));
}

TEST_F(RelayTest, another_process_of_the_workers_name_is_not_taken_for_it) {
  Node node(*this, "w", 2);
  Call call(*this, *trunk_, "w", 1);
  Call right(*this, *trunk_, "w", 2);
  EXPECT_TRUE(up(right));
  EXPECT_FALSE(call.connection.connected());
}

TEST_F(RelayTest, the_worker_hears_that_an_agent_is_gone) {
  Node node(*this, "w");
  auto call = std::make_unique<Call>(*this, *trunk_, "w");
  ASSERT_TRUE(up(*call));
  ASSERT_TRUE(call->connection.send({"hello"}));
  ASSERT_TRUE(until([&] { return node.messages == 1; }));
  call.reset();
  EXPECT_TRUE(until([&] { return node.gone == 1; }));

  Call second(*this, *trunk_, "w");
  ASSERT_TRUE(up(second));
  auto other = std::move(trunk_);
  other.reset();  // the whole agent
  EXPECT_TRUE(until([&] { return node.gone == 2; }));
  trunk_ = agents_trunk();
}

TEST_F(RelayTest, an_agent_hears_that_the_worker_is_gone_and_finds_it_when_it_is_back) {
  auto node = std::make_unique<Node>(*this, "w");
  Call call(*this, *trunk_, "w");
  ASSERT_TRUE(up(call));
  node.reset();
  ASSERT_TRUE(until([&] { return call.downs == 1; }));
  EXPECT_EQ(call.connection.patience(), seconds(4)) << "the coordinator was there all the time";
  node = std::make_unique<Node>(*this, "w");
  EXPECT_TRUE(up(call));
  EXPECT_EQ(call.ups, 2);
}

TEST_F(RelayTest, both_ends_find_a_coordinator_that_was_started_anew) {
  Node node(*this, "w");
  Call call(*this, *trunk_, "w");
  ASSERT_TRUE(up(call));
  server_.reset();
  ASSERT_TRUE(until([&] { return !trunk_->connected() && call.downs == 1; }));
  EXPECT_GE(call.connection.patience(), seconds(15)) << "it and the worker need time";
  start();
  ASSERT_TRUE(until([&] { return trunk_->connected(); }));
  EXPECT_GE(call.connection.patience(), seconds(8)) << "the worker needs time";
  EXPECT_TRUE(turn_until(
      *reactor_,
      [&] {
        node.control.send(hello("w"));
        return call.connection.connected();
      },
      seconds(20)));
}

TEST_F(RelayTest, a_worker_that_does_not_read_costs_no_more_than_its_window_and_nobody_else) {
  Node node(*this, "w");
  StoppedNode stopped(*this, "stopped");
  Call slow(*this, *trunk_, "stopped");
  Call quick(*this, *trunk_, "w");
  stopped.take(static_cast<std::uint32_t>(kMiB));
  ASSERT_TRUE(up(slow) && up(quick));
  const std::string part(4 * kMiB, 'x');
  int taken = 0;
  while (slow.connection.send({part})) ASSERT_LT(++taken, 100);
  EXPECT_LE(taken, 16) << "64 MiB wait at the agent and no more";
  ASSERT_TRUE(quick.connection.send({"quick"}));
  ASSERT_TRUE(until([&] { return quick.received.size() == 1; }));
  EXPECT_TRUE(slow.connection.connected());
}

TEST_F(RelayTest, who_sends_more_than_was_granted_is_cut_off) {
  StoppedNode taking(*this, "w");
  auto greedy = client();
  wire::RelayOpen open;
  open.stream = 1;
  open.worker = "w";
  open.worker_epoch = 1;
  ASSERT_TRUE(greedy.send(open));
  taking.take(10);
  ASSERT_TRUE(greedy.expect<wire::RelayOpen>());
  ASSERT_TRUE(greedy.send_frames(
      {wire::encode_relay({wire::RelayKind::data, 1, 0}), std::string(11, 'x')}));
  const auto told = greedy.expect<wire::RelayClose>();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->code, name(Errc::corrupt));
  const auto far = taking.streams.expect<wire::RelayClose>();
  ASSERT_TRUE(far);
  EXPECT_EQ(far->stream, taking.stream);
}

TEST_F(RelayTest, a_worker_that_is_not_registered_takes_no_streams) {
  auto stranger = worker();
  stranger.send(wire::RelayHello{"w", 1});
  const auto refused = stranger.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, name(Errc::not_found));
}

TEST_F(RelayTest, a_frame_of_no_stream_is_dropped) {
  auto agent = client();
  agent.send_frames({wire::encode_relay({wire::RelayKind::data, 77, 0}), "x"});
  agent.send_frames({wire::encode_relay({wire::RelayKind::credit, 77, 5})});
  agent.send(wire::RelayClose{77, "cancelled", ""});
  agent.send(wire::Ping{3});
  EXPECT_TRUE(agent.expect<wire::Pong>()) << "it is still served";
}

}  // namespace
}  // namespace kiln::coordinator
