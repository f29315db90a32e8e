#include "coordinator/server/server.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/auth/lease_token.h"
#include "common/base/files.h"
#include "tests/unit/coordinator/server/server_fixture.h"

namespace kiln::coordinator {
namespace {

using testing::HasSubstr;

TEST_F(ServerTest, a_worker_registers_and_an_agent_gets_a_lease_that_it_verifies) {
  auto node = worker();
  node.send(hello("a"));
  const auto welcome = node.expect<wire::WorkerWelcome>();
  ASSERT_TRUE(welcome);
  auto agent = client();
  agent.send(wire::ClientHello{5, "host", "user", "1"});
  const auto greeting = agent.expect<wire::ClientWelcome>();
  ASSERT_TRUE(greeting);
  EXPECT_EQ(greeting->coordinator_epoch, welcome->coordinator_epoch);
  agent.send(acquire(7));
  const auto grant = agent.expect<wire::Grant>();
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->request, 7U);
  ASSERT_EQ(grant->leases.size(), 1U);
  EXPECT_EQ(grant->leases[0].task_address, "tcp://127.0.0.1:1");
  EXPECT_TRUE(auth::verify_lease(grant->leases[0].lease, welcome->lease_secret));
}

TEST_F(ServerTest, without_workers_an_agent_is_told_at_once) {
  auto agent = client();
  agent.send(wire::ClientHello{5, "host", "user", "1"});
  agent.send(acquire(7));
  const auto refused = agent.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->request, 7U);
  EXPECT_EQ(refused->code, "unavailable");
}

TEST_F(ServerTest, a_closed_connection_loses_the_worker_at_once) {
  auto agent = client();
  {
    auto node = worker();
    node.send(hello("a"));
    ASSERT_TRUE(node.expect<wire::WorkerWelcome>());
    EXPECT_EQ(state_of(agent, "a"), "ready");
  }
  std::string state = "ready";
  for (int tries = 0; tries < 1000 && state == "ready"; ++tries) state = state_of(agent, "a");
  EXPECT_EQ(state, "lost");
}

TEST_F(ServerTest, a_waiting_agent_gets_the_slots_of_an_agent_that_goes) {
  auto node = worker();
  node.send(hello("a"));
  ASSERT_TRUE(node.expect<wire::WorkerWelcome>());
  auto second = client();
  second.send(wire::ClientHello{6, "host", "user", "1"});
  {
    auto first = client();
    first.send(wire::ClientHello{5, "host", "user", "1"});
    first.send(acquire(1, 4));
    ASSERT_TRUE(first.expect<wire::Grant>());
    second.send(acquire(1));
    second.send(wire::Ping{9});
    ASSERT_TRUE(second.expect<wire::Pong>());
  }
  EXPECT_TRUE(second.expect<wire::Grant>());
}

TEST_F(ServerTest, released_leases_are_lent_again) {
  auto node = worker();
  node.send(hello("a"));
  ASSERT_TRUE(node.expect<wire::WorkerWelcome>());
  auto agent = client();
  agent.send(wire::ClientHello{5, "host", "user", "1"});
  agent.send(acquire(1, 5));
  const auto grant = agent.expect<wire::Grant>();
  ASSERT_TRUE(grant);
  ASSERT_EQ(grant->leases.size(), 4U);
  agent.send(wire::Release{{grant->leases[0].lease.id}});
  EXPECT_TRUE(agent.expect<wire::Grant>());
}

TEST_F(ServerTest, another_protocol_version_is_refused_in_words) {
  auto agent = client();
  auto frames = wire::encode(wire::ClientHello{5, "host", "user", "9"});
  frames[0][1] = static_cast<char>(wire::kProtocolVersion + 1);
  agent.send_frames(frames);
  const auto refused = agent.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, "version_mismatch");
  EXPECT_THAT(refused->reason, HasSubstr("protocol"));
}

TEST_F(ServerTest, malformed_and_misplaced_messages_are_refused_and_harm_nobody) {
  auto agent = client();
  for (const wire::Frames& frames :
       {wire::Frames{""}, wire::Frames{"\x00\x01"}, wire::Frames{std::string(4, '\xff'), "x"},
        wire::Frames{std::string("\0\1\0\1", 4), std::string(1000, '\xdf')}}) {
    agent.send_frames(frames);
    EXPECT_TRUE(agent.expect<wire::Refused>());
  }
  agent.send(wire::OccupancyReport{});
  const auto misplaced = agent.expect<wire::Refused>();
  ASSERT_TRUE(misplaced);
  EXPECT_THAT(misplaced->reason, HasSubstr("OccupancyReport"));
  agent.send(acquire(3));
  const auto no_hello = agent.expect<wire::Refused>();
  ASSERT_TRUE(no_hello);
  EXPECT_EQ(no_hello->code, "not_found");
  EXPECT_EQ(no_hello->request, 3U);
  agent.send(wire::ClientHello{5, std::string(100'000, 'x'), "user", "1"});
  EXPECT_TRUE(agent.expect<wire::Refused>());
  agent.send(wire::ClientHello{5, "host", "user", "1"});
  EXPECT_TRUE(agent.expect<wire::ClientWelcome>());
}

TEST_F(ServerTest, a_report_before_hello_is_answered_by_the_wish_for_one) {
  auto node = worker();
  node.send(wire::OccupancyReport{"a", 1, {}});
  const auto refused = node.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, "not_found");
  EXPECT_THAT(refused->reason, HasSubstr("say hello"));
}

TEST_F(ServerTest, of_two_workers_with_one_name_the_first_stays_until_it_ends) {
  auto second = worker();
  {
    auto first = worker();
    first.send(hello("a", 1));
    ASSERT_TRUE(first.expect<wire::WorkerWelcome>());
    second.send(hello("a", 2));
    const auto refused = second.expect<wire::Refused>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, "already_exists");
    first.send(wire::OccupancyReport{"a", 1, {}});
    first.send(wire::Ping{1});
    ASSERT_TRUE(first.expect<wire::Pong>([](const wire::Message& before) {
      EXPECT_FALSE(std::holds_alternative<wire::Refused>(before));
    }));
  }
  // As a worker does: the hello again until it is welcome.
  bool welcome = false;
  for (int tries = 0; tries < 1000 && !welcome; ++tries) {
    second.send(hello("a", 2));
    second.send(wire::Ping{2});
    ASSERT_TRUE(second.expect<wire::Pong>([&](const wire::Message& before) {
      welcome = welcome || std::holds_alternative<wire::WorkerWelcome>(before);
    }));
  }
  EXPECT_TRUE(welcome);
  auto older = worker();
  older.send(hello("a", 1));
  EXPECT_EQ(older.expect<wire::Refused>().value_or(wire::Refused{}).code, "already_exists");
}

TEST_F(ServerTest, goodbye_loses_the_worker) {
  auto node = worker();
  node.send(hello("a"));
  ASSERT_TRUE(node.expect<wire::WorkerWelcome>());
  node.send(wire::WorkerGoodbye{"a", 1, "drained"});
  node.send(wire::Ping{1});
  ASSERT_TRUE(node.expect<wire::Pong>());
  auto agent = client();
  EXPECT_EQ(state_of(agent, "a"), "lost");
}

TEST_F(ServerTest, after_a_restart_workers_announce_themselves_again) {
  auto node = worker();
  node.send(hello("a"));
  const auto before = node.expect<wire::WorkerWelcome>();
  ASSERT_TRUE(before);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(directory_ / "endpoints.json"));
  // The old sockets are closed by ZeroMQ's own thread, a moment later.
  ASSERT_TRUE(turn_until(*reactor_, [&] {
    auto server = Server::create(*reactor_, context_, Logger(), options_);
    if (server) server_ = std::move(*server);
    return server.has_value();
  }));
  // The dealer connects again by itself; a worker says hello at each connection.
  ASSERT_TRUE(turn_until(*reactor_, [&] { return node.connections == 2; }));
  EXPECT_TRUE(node.send(hello("a")));
  const auto after = node.expect<wire::WorkerWelcome>();
  ASSERT_TRUE(after);
  EXPECT_NE(after->coordinator_epoch, before->coordinator_epoch);
  EXPECT_NE(after->lease_secret, before->lease_secret);
}

TEST_F(ServerTest, the_state_directory_tells_the_endpoints_and_is_for_one_process) {
  const auto text = read_file(directory_ / "endpoints.json");
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr(server_->endpoints().client));
  EXPECT_THAT(*text, HasSubstr(server_->endpoints().http));
  auto options = options_;
  options.client_endpoint = options.worker_endpoint = "tcp://127.0.0.1:0";
  const auto second = Server::create(*reactor_, context_, Logger(), options);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another coordinator"));
}

TEST_F(ServerTest, the_status_of_a_large_farm_is_larger_than_what_agents_may_send) {
  auto node = worker();
  auto large = hello("a");
  large.occupancy.tasks.resize(300);
  for (auto& task : large.occupancy.tasks) task.label = std::string(4'000, 'x');
  node.send(large);
  ASSERT_TRUE(node.expect<wire::WorkerWelcome>());
  auto agent = client();
  for (std::uint64_t request = 1; request <= 20; ++request) agent.send(wire::FarmQuery{request});
  for (std::uint64_t request = 1; request <= 20; ++request) {
    const auto status = agent.expect<wire::FarmStatus>();
    ASSERT_TRUE(status);
    EXPECT_EQ(status->request, request);
    ASSERT_EQ(status->nodes.size(), 1U);
    EXPECT_EQ(status->nodes[0].occupancy.tasks, large.occupancy.tasks);
  }
}

// An agent that never reads: once all buffers on the way are full, a grant cannot be sent. Each new
// hello gives back what the one before it was granted.
TEST_F(ServerTest, leases_whose_grant_cannot_be_sent_are_free_again) {
  auto node = worker();
  auto large = hello("a");
  large.node.slots = 4'096;
  large.node.task_address = "tcp://" + std::string(200, 'x') + ":1";
  node.send(large);
  ASSERT_TRUE(node.expect<wire::WorkerWelcome>());
  net::SocketOptions deaf;
  deaf.turn_messages = 0;
  const auto stalled =
      std::move(*net::Dealer::connect(*reactor_, context_, server_->endpoints().client, deaf));
  ASSERT_TRUE(turn_until(*reactor_, [&] { return stalled->connected(); }));
  const auto send = [&](const wire::Message& message) {
    EXPECT_TRUE(stalled->send(wire::encode(message)));
  };
  for (std::uint64_t number = 1; number <= 400; ++number) send(wire::Ping{number});
  for (std::uint64_t epoch = 1; epoch <= 60; ++epoch) {
    send(wire::ClientHello{epoch, "host", "user", "1"});
    send(acquire(1, 1'024));
  }
  for (std::uint64_t number = 1; number <= 2'500; ++number) send(wire::Ping{number});
  send(wire::ClientHello{100, "host", "user", "1"});
  send(acquire(1, 4));

  auto agent = client();
  agent.send(wire::ClientHello{6, "host", "user", "1"});
  // Until the numbers of the last grant are left out.
  std::uint64_t expected = 1;
  for (std::uint64_t request = 1, left_out = 0; left_out % 1'024 != 4; ++request) {
    agent.send(acquire(request));
    const auto grant = agent.expect<wire::Grant>();
    ASSERT_TRUE(grant);
    const auto& id = grant->leases.at(0).lease.id;
    left_out = id.number - expected;
    expected = id.number + 1;
    agent.send(wire::Release{{id}});
  }
  agent.send(wire::FarmQuery{1});
  const auto status = agent.expect<wire::FarmStatus>();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->nodes.at(0).leased, 0U);
}

TEST_F(ServerTest, an_address_in_use_names_the_flag) {
  auto options = options_;
  options.state_dir = directory_ / "other";
  const auto second = Server::create(*reactor_, context_, Logger(), options);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("--client-endpoint"));
}

// ---- Nodes out of service
// -----------------------------------------------------------------------------------------

TEST_F(ServerTest, a_worker_is_told_to_drain_and_to_resume) {
  auto node = worker();
  node.send(hello("a"));
  ASSERT_TRUE(node.expect<wire::WorkerWelcome>());
  auto agent = client();
  agent.send(wire::ClientHello{5, "host", "user", "1"});
  ASSERT_TRUE(agent.expect<wire::ClientWelcome>());
  for (const bool drain : {true, false}) {
    agent.send(wire::NodeChange{7, drain ? "drain" : "resume", "a"});
    const auto order = node.expect<wire::NodeOrder>();
    ASSERT_TRUE(order);
    EXPECT_EQ(order->drain, drain);
    const auto changed = agent.expect<wire::NodeChanged>();
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->request, 7U);
  }
}

TEST_F(ServerTest, nodes_that_are_not_there_and_other_actions_are_refused) {
  auto agent = client();
  agent.send(wire::ClientHello{5, "host", "user", "1"});
  agent.send(wire::NodeChange{1, "drain", "a"});
  auto refused = agent.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, name(Errc::not_found));
  agent.send(wire::NodeChange{2, "paint", "a"});
  refused = agent.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, name(Errc::invalid_argument));
}

}  // namespace
}  // namespace kiln::coordinator
