// A coordinator with keys, over real sockets and a real folder of keys.
#include "common/auth/keys.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/auth/allowed_file.h"
#include "common/auth/key_file.h"
#include "common/net/endpoint.h"
#include "tests/unit/coordinator/server/server_fixture.h"

namespace kiln::coordinator {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Somebody with a key of its own.
struct Someone {
  explicit Someone(net::Reactor& its_reactor) : reactor(its_reactor) { context.set_identity(keys); }
  Peer connect(const std::string& endpoint, const PublicKey& coordinator) {
    return Peer(reactor, context, endpoint, {coordinator});
  }

  net::Reactor& reactor;
  KeyPair keys = *auth::make_key_pair();
  net::Context context;
};

class KeyedServerTest : public ServerTest {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "kiln-keys-XXXXXX";
    keys_ = ::mkdtemp(pattern.data());
    auth::KeyFile own;
    own.name = "coordinator";
    own.role = KeyRole::coordinator;
    own.keys = *auth::make_key_pair();
    coordinator_ = own.keys.public_key;
    ASSERT_TRUE(auth::write_key_file(keys_ / "coordinator.key", own));
    change([](auth::AllowedKeys&) { return Status(); });
    options_.keys = keys_;
    ServerTest::SetUp();
  }
  void TearDown() override {
    ServerTest::TearDown();
    std::filesystem::remove_all(keys_);
  }

  void change(const std::function<Status(auth::AllowedKeys&)>& how) {
    const auto changed = auth::change_allowed(keys_ / "allowed", how);
    ASSERT_TRUE(changed) << changed.error().message;
  }
  void allow(const std::string& name, KeyRole role, const Someone& who) {
    change([&](auth::AllowedKeys& allowed) -> Status {
      KILN_TRY(allowed.allow({name, role, who.keys.public_key}));
      return {};
    });
  }
  Peer at_clients(Someone& who) { return who.connect(server_->endpoints().client, coordinator_); }
  Peer at_workers(Someone& who) { return who.connect(server_->endpoints().worker, coordinator_); }
  // Until it is in: the coordinator looks at the file each second.
  bool gets_in(const Peer& peer) {
    return turn_until(*reactor_, [&] { return peer.connections > 0; });
  }
  static wire::WorkerHello hello_of(const Someone& who, const std::string& name) {
    auto made = hello(name);
    const net::Endpoint address{"127.0.0.1", 1, who.keys.public_key};
    made.node.task_address = made.node.bulk_address = address.text();
    return made;
  }
  bool is_connected(Peer& agent) {
    agent.send(wire::ClientHello{5, "host", "user", "1"});
    return agent.expect<wire::ClientWelcome>().has_value();
  }

  std::filesystem::path keys_;
  PublicKey coordinator_;
};

TEST_F(KeyedServerTest, who_is_allowed_while_it_runs_gets_in) {
  Someone laptop(*reactor_);
  auto agent = at_clients(laptop);
  EXPECT_EQ(agent.rejection(), net::Rejection::not_allowed);
  allow("laptop", KeyRole::client, laptop);
  ASSERT_TRUE(gets_in(agent));
  EXPECT_TRUE(is_connected(agent));
}

TEST_F(KeyedServerTest, a_clients_key_does_not_open_the_worker_port_nor_a_workers_the_client_port) {
  Someone laptop(*reactor_);
  Someone node(*reactor_);
  allow("laptop", KeyRole::client, laptop);
  allow("node", KeyRole::worker, node);
  auto agent = at_clients(laptop);
  ASSERT_TRUE(gets_in(agent));
  EXPECT_EQ(at_workers(laptop).rejection(), net::Rejection::not_allowed);
  EXPECT_EQ(at_clients(node).rejection(), net::Rejection::not_allowed);
}

TEST_F(KeyedServerTest, a_worker_learns_whom_to_let_in_and_every_change_of_it) {
  Someone node(*reactor_);
  Someone laptop(*reactor_);
  allow("node", KeyRole::worker, node);
  auto worker = at_workers(node);
  ASSERT_TRUE(gets_in(worker));
  worker.send(hello_of(node, "a"));
  ASSERT_TRUE(worker.expect<wire::WorkerWelcome>());
  const auto first = worker.expect<wire::Admissions>();
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->clients.empty());
  EXPECT_THAT(first->workers, UnorderedElementsAre(node.keys.public_key));
  allow("laptop", KeyRole::client, laptop);
  const auto second = worker.expect<wire::Admissions>();
  ASSERT_TRUE(second);
  EXPECT_THAT(second->clients, UnorderedElementsAre(laptop.keys.public_key));
}

TEST_F(KeyedServerTest, a_worker_that_announces_another_ones_key_is_refused) {
  Someone node(*reactor_);
  Someone other(*reactor_);
  allow("node", KeyRole::worker, node);
  auto worker = at_workers(node);
  ASSERT_TRUE(gets_in(worker));
  worker.send(hello_of(other, "a"));
  const auto refused = worker.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, "permission_denied");
  EXPECT_THAT(refused->reason, HasSubstr("another key"));
  worker.send(hello("a"));
  EXPECT_TRUE(worker.expect<wire::Refused>());
}

TEST_F(KeyedServerTest, a_grant_carries_the_workers_key_in_its_addresses) {
  Someone node(*reactor_);
  Someone laptop(*reactor_);
  allow("node", KeyRole::worker, node);
  allow("laptop", KeyRole::client, laptop);
  auto worker = at_workers(node);
  auto agent = at_clients(laptop);
  ASSERT_TRUE(gets_in(worker));
  ASSERT_TRUE(gets_in(agent));
  worker.send(hello_of(node, "a"));
  ASSERT_TRUE(worker.expect<wire::WorkerWelcome>());
  ASSERT_TRUE(is_connected(agent));
  agent.send(acquire(1));
  const auto grant = agent.expect<wire::Grant>();
  ASSERT_TRUE(grant);
  const auto address = net::parse_endpoint(grant->leases.at(0).task_address, 0);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->key, node.keys.public_key);
}

TEST_F(KeyedServerTest, a_revoked_key_is_cut_off_told_and_kept_out) {
  Someone laptop(*reactor_);
  allow("laptop", KeyRole::client, laptop);
  auto agent = at_clients(laptop);
  ASSERT_TRUE(gets_in(agent));
  ASSERT_TRUE(is_connected(agent));
  change([&](auth::AllowedKeys& allowed) -> Status {
    KILN_TRY(allowed.revoke(laptop.keys.public_key, auth::Day()));
    return {};
  });
  const auto farewell = agent.expect<wire::Refused>();
  ASSERT_TRUE(farewell);
  EXPECT_EQ(farewell->code, "permission_denied");
  Someone other(*reactor_);
  allow("other", KeyRole::client, other);
  auto stays = at_clients(other);
  ASSERT_TRUE(gets_in(stays));
  agent.send(wire::Ping{1});
  stays.send(wire::Ping{2});
  ASSERT_TRUE(stays.expect<wire::Pong>());
  EXPECT_TRUE(agent.received.empty());
  EXPECT_EQ(at_clients(laptop).rejection(), net::Rejection::not_allowed);
}

TEST_F(KeyedServerTest, a_client_makes_pools_and_only_an_administrator_takes_them_away) {
  Someone laptop(*reactor_);
  Someone boss(*reactor_);
  allow("laptop", KeyRole::client, laptop);
  allow("boss", KeyRole::admin, boss);
  auto agent = at_clients(laptop);
  auto admin = at_clients(boss);
  ASSERT_TRUE(gets_in(agent));
  ASSERT_TRUE(gets_in(admin));
  ASSERT_TRUE(is_connected(agent));
  ASSERT_TRUE(is_connected(admin));
  wire::PoolChange change;
  change.request = 1;
  change.action = "create";
  change.spec.name = "mine";
  agent.send(change);
  ASSERT_TRUE(agent.expect<wire::PoolAnswer>());
  for (const auto* action : {"quiesce", "resize", "delete"}) {
    change.action = action;
    agent.send(change);
    const auto refused = agent.expect<wire::Refused>();
    ASSERT_TRUE(refused) << action;
    EXPECT_EQ(refused->code, "permission_denied") << action;
    EXPECT_THAT(refused->reason, HasSubstr("administrator"));
  }
  admin.send(change);
  EXPECT_TRUE(admin.expect<wire::PoolAnswer>());
  for (const std::string action : {"drain", "resume"}) {
    agent.send(wire::NodeChange{8, action, "a"});
    const auto refused = agent.expect<wire::Refused>();
    ASSERT_TRUE(refused) << action;
    EXPECT_THAT(refused->reason, HasSubstr("to " + action + " a node takes the key of an admin"));
    admin.send(wire::NodeChange{9, action, "a"});
    const auto missing = admin.expect<wire::Refused>();
    ASSERT_TRUE(missing) << action;
    EXPECT_EQ(missing->code, name(Errc::not_found)) << "it may, but there is no such node";
  }
}

TEST_F(KeyedServerTest, everybody_sees_levels_of_logs_and_only_an_administrator_changes_them) {
  Someone laptop(*reactor_);
  Someone boss(*reactor_);
  allow("laptop", KeyRole::client, laptop);
  allow("boss", KeyRole::admin, boss);
  auto agent = at_clients(laptop);
  auto admin = at_clients(boss);
  ASSERT_TRUE(gets_in(agent));
  ASSERT_TRUE(gets_in(admin));
  agent.send(wire::ClientHello{5, "host", "user", "1"});
  ASSERT_TRUE(agent.expect<wire::ClientWelcome>());
  admin.send(wire::ClientHello{6, "host", "user", "1"});
  ASSERT_TRUE(admin.expect<wire::ClientWelcome>());
  agent.send(wire::LogChange{1, "", "", 0});
  EXPECT_TRUE(agent.expect<wire::LogState>());
  for (const std::string node : {"", "a"}) {
    agent.send(wire::LogChange{2, node, "debug", 0});
    const auto refused = agent.expect<wire::Refused>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, name(Errc::permission_denied));
  }
  admin.send(wire::LogChange{3, "", "debug", 0});
  EXPECT_TRUE(admin.expect<wire::LogState>());
}

TEST_F(KeyedServerTest, what_cannot_be_read_leaves_in_who_was_in) {
  Someone laptop(*reactor_);
  allow("laptop", KeyRole::client, laptop);
  auto agent = at_clients(laptop);
  ASSERT_TRUE(gets_in(agent));
  std::ofstream(keys_ / "allowed") << "nonsense\n";
  // Long enough for it to look again: another who waits at the door has tried twice.
  Someone other(*reactor_);
  auto waits = at_clients(other);
  const auto began = reactor_->now();
  turn_until(*reactor_, [&] { return reactor_->now() - began > milliseconds(2'500); });
  EXPECT_EQ(waits.rejection(), net::Rejection::not_allowed);
  EXPECT_TRUE(is_connected(agent));
}

TEST_F(KeyedServerTest, a_folder_without_keys_is_an_error_that_names_the_flag) {
  server_.reset();
  std::filesystem::remove(keys_ / "coordinator.key");
  net::Context fresh;
  const auto server = Server::create(*reactor_, fresh, Logger(), options_);
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("--keys"));
  EXPECT_THAT(server.error().message, HasSubstr("coordinator.key"));
}

}  // namespace
}  // namespace kiln::coordinator
