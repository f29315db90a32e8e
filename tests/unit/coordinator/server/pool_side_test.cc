// Pools over the wire, and on the disk.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/files.h"
#include "coordinator/server/pool_json.h"
#include "tests/unit/coordinator/server/server_fixture.h"

namespace kiln::coordinator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class PoolSide : public ServerTest {
 protected:
  // The next start takes other ports: these may be anybody's by then.
  void stop() {
    server_.reset();
    options_.client_endpoint = options_.worker_endpoint = "tcp://127.0.0.1:0";
  }
  // A worker that is welcomed and has told what it knows.
  Peer known_worker(const std::string& name, std::vector<PoolDefinition> definitions = {},
                    std::vector<PoolOnNode> pools = {}) {
    auto node = worker();
    node.send(hello(name));
    EXPECT_TRUE(node.expect<wire::WorkerWelcome>());
    node.send(wire::PoolReport{name, 1, true, std::move(pools), std::move(definitions)});
    return node;
  }
  Peer known_client() {
    auto agent = client();
    agent.send(wire::ClientHello{5, "host", "user", "1"});
    EXPECT_TRUE(agent.expect<wire::ClientWelcome>());
    return agent;
  }
  static PoolSpec spec(const std::string& name, std::uint32_t executors = 4) {
    PoolSpec out;
    out.name = name;
    out.executors = executors;
    return out;
  }
  wire::PoolChange change(const std::string& action, const PoolSpec& wanted,
                          std::uint32_t count = 0) {
    return {++request_, action, wanted, count, false};
  }
  std::optional<wire::PoolAnswer> ask(Peer& agent, const wire::PoolChange& what) {
    agent.send(what);
    return agent.expect<wire::PoolAnswer>();
  }
  std::optional<wire::PoolAnswer> query(Peer& agent, const std::string& name) {
    agent.send(wire::PoolQuery{++request_, name});
    return agent.expect<wire::PoolAnswer>();
  }
  // The next order for the pool.
  std::optional<PoolOrder> order_of(Peer& node, const std::string& pool) {
    while (auto message = node.expect<wire::PoolOrders>()) {
      for (const auto& order : message->orders) {
        if (order.definition.spec.name == pool) return order;
      }
    }
    return std::nullopt;
  }
  std::string stored() {
    const auto text = read_file(directory_ / "pools.json");
    return text ? *text : "none";
  }
  bool stored_has(const std::string& text) {
    return turn_until(*reactor_, [&] { return stored().find(text) != std::string::npos; });
  }

  std::uint64_t request_ = 0;
};

TEST_F(PoolSide, a_pool_is_created_ordered_reported_and_shown) {
  auto node = known_worker("a");
  ASSERT_TRUE(node.expect<wire::PoolOrders>());
  auto agent = known_client();
  const auto made = ask(agent, change("create", spec("cc"), 2));
  ASSERT_TRUE(made);
  EXPECT_FALSE(made->existed);
  ASSERT_EQ(made->pools.size(), 1U);
  EXPECT_EQ(made->pools[0].definition.version, 1U);
  const auto order = order_of(node, "cc");
  ASSERT_TRUE(order);
  EXPECT_TRUE(order->selected);
  EXPECT_EQ(order->wish, PoolWish::warm);
  EXPECT_EQ(order->warm, 2U);
  PoolOnNode standing;
  standing.name = "cc";
  standing.version = 1;
  standing.state = PoolState::ready;
  standing.ready = 2;
  node.send(wire::PoolReport{"a", 1, false, {standing}, {}});
  std::optional<wire::PoolAnswer> shown;
  ASSERT_TRUE(turn_until(*reactor_, [] { return true; }));
  for (int tries = 0; tries < 1'000; ++tries) {
    shown = query(agent, "cc");
    if (shown && shown->pools.at(0).nodes.at(0).answered) break;
  }
  const auto& view = shown->pools.at(0).nodes.at(0);
  EXPECT_EQ(view.node, "a");
  EXPECT_EQ(view.state, "ready");
  EXPECT_EQ(view.wanted, 2U);
  EXPECT_EQ(view.pool, standing);
}

TEST_F(PoolSide, the_answer_of_a_change_shows_the_state_after_it) {
  stop();
  options_.scheduling.epoch = 9;
  start();
  auto node = known_worker("a");
  auto agent = known_client();
  ASSERT_TRUE(ask(agent, change("create", spec("cc"), 2)));
  const auto made = order_of(node, "cc");
  ASSERT_TRUE(made);
  agent.send(change("quiesce", spec("cc")));
  const auto order = order_of(node, "cc");
  ASSERT_TRUE(order);
  EXPECT_GT(order->number, made->number);
  PoolOnNode standing;
  standing.name = "cc";
  standing.version = 1;
  for (const auto& [state, number] :
       {std::pair{PoolState::ready, made->number}, std::pair{PoolState::quiesced, order->number}}) {
    standing.state = state;
    standing.order = number;
    node.send(wire::PoolReport{"a", 1, false, {standing}, {}, options_.scheduling.epoch});
  }
  const auto answer = agent.expect<wire::PoolAnswer>();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->request, request_);
  EXPECT_TRUE(answer->pools.at(0).nodes.at(0).answered);
  EXPECT_EQ(answer->pools.at(0).nodes.at(0).pool.state, PoolState::quiesced);
}

TEST_F(PoolSide, the_same_pool_again_existed_and_another_is_refused) {
  auto agent = known_client();
  ASSERT_TRUE(ask(agent, change("create", spec("cc"))));
  const auto again = ask(agent, change("create", spec("cc")));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->existed);
  agent.send(change("create", spec("cc", 8)));
  const auto refused = agent.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->request, request_);
  EXPECT_EQ(refused->code, "already_exists");
  EXPECT_THAT(refused->reason, HasSubstr("executors is 4, not 8"));
}

TEST_F(PoolSide, unknown_actions_and_strangers_are_refused) {
  auto agent = known_client();
  agent.send(change("explode", spec("cc")));
  auto refused = agent.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, "invalid_argument");
  auto stranger = client();
  stranger.send(change("create", spec("cc")));
  refused = stranger.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, "not_found");
  const auto shown = query(stranger, "");
  ASSERT_TRUE(shown) << "looking needs no hello";
  EXPECT_EQ(shown->pools.size(), 1U);
}

TEST_F(PoolSide, asking_for_a_pool_that_is_not_there_says_so) {
  auto agent = known_client();
  agent.send(wire::PoolQuery{7, "cc"});
  const auto refused = agent.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->request, 7U);
  EXPECT_EQ(refused->code, "not_found");
  EXPECT_THAT(refused->reason, HasSubstr("\"cc\""));
}

TEST_F(PoolSide, what_is_too_long_is_refused_before_it_is_looked_at) {
  auto agent = known_client();
  auto large = spec("cc");
  large.nodes = {std::string(100'000, 'x')};
  agent.send(change("create", large));
  const auto refused = agent.expect<wire::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->reason, HasSubstr("spec is too long"));
  auto node = known_worker("a");
  PoolOnNode loud;
  loud.name = "cc";
  loud.output = std::string(100'000, 'x');
  node.send(wire::PoolReport{"a", 1, false, {loud}, {}});
  const auto report_refused = node.expect<wire::Refused>();
  ASSERT_TRUE(report_refused);
  EXPECT_THAT(report_refused->reason, HasSubstr("output is too long"));
}

TEST_F(PoolSide, leases_of_a_pool_name_it_under_their_signature) {
  auto node = known_worker("a");
  auto agent = known_client();
  ASSERT_TRUE(ask(agent, change("create", spec("cc"), 1)));
  PoolOnNode standing;
  standing.name = "cc";
  standing.version = 1;
  node.send(wire::PoolReport{"a", 1, false, {standing}, {}});
  auto wanted = acquire(900);
  wanted.pool = "cc";
  agent.send(wanted);
  const auto grant = agent.expect<wire::Grant>();
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->leases.at(0).lease.pool, "cc");
}

TEST_F(PoolSide, definitions_survive_a_restart) {
  {
    auto agent = known_client();
    ASSERT_TRUE(ask(agent, change("create", spec("cc"))));
    ASSERT_TRUE(ask(agent, change("create", spec("gone"))));
    ASSERT_TRUE(ask(agent, change("delete", spec("gone"))));
  }
  stop();
  EXPECT_THAT(stored(), HasSubstr("\"cc\""));
  start();
  auto agent = known_client();
  const auto shown = query(agent, "");
  ASSERT_TRUE(shown);
  ASSERT_EQ(shown->pools.size(), 2U);
  EXPECT_EQ(shown->pools[1].definition.spec, spec("cc"));
  auto old = known_worker("old", {{spec("gone"), 2, false, 1}});
  const auto order = order_of(old, "gone");
  ASSERT_TRUE(order);
  EXPECT_TRUE(order->definition.deleted) << "a deleted pool stays deleted";
}

TEST_F(PoolSide, an_empty_disk_learns_from_the_workers_and_stores_it) {
  auto node = known_worker("a", {{spec("cc"), 7, false, 1}});
  const auto order = order_of(node, "cc");
  ASSERT_TRUE(order);
  EXPECT_EQ(order->definition.version, 7U);
  EXPECT_TRUE(stored_has("\"cc\""));
}

TEST_F(PoolSide, an_unreadable_file_is_put_aside) {
  stop();
  std::ofstream(directory_ / "pools.json") << "{\"pools\": [{\"version\": \"three\"}]}";
  start();
  EXPECT_TRUE(std::filesystem::exists(directory_ / "pools.json.unreadable"));
  auto agent = known_client();
  EXPECT_TRUE(ask(agent, change("create", spec("cc"))));
  EXPECT_TRUE(stored_has("\"cc\""));
}

TEST_F(PoolSide, a_file_that_cannot_be_opened_is_put_aside_too) {
  stop();
  std::filesystem::create_directories(directory_ / "pools.json" / "in-the-way");
  start();
  EXPECT_TRUE(std::filesystem::exists(directory_ / "pools.json.unreadable" / "in-the-way"));
  auto agent = known_client();
  EXPECT_TRUE(ask(agent, change("create", spec("cc"))));
  EXPECT_TRUE(stored_has("\"cc\""));
}

TEST_F(PoolSide, a_disk_that_cannot_be_written_stops_nothing) {
  // A directory in the file's place: renaming over it fails for every user.
  std::filesystem::create_directories(directory_ / "pools.json" / "in-the-way");
  auto agent = known_client();
  EXPECT_TRUE(ask(agent, change("create", spec("cc"))));
  EXPECT_TRUE(query(agent, "cc"));
}

TEST_F(PoolSide, pools_are_shown_over_http_with_the_fields_of_their_status) {
  auto agent = known_client();
  const auto made = ask(agent, change("create", spec("cc")));
  ASSERT_TRUE(made);
  const auto text = pools_json(made->pools);
  for (const auto* field : {"\"definition\"", "\"spec\"", "\"context\": \"spawn\"",
                            "\"version\": 1", "\"nodes\"", "\"waiting_requests\": 0"}) {
    EXPECT_THAT(text, HasSubstr(field));
  }
}

TEST_F(PoolSide, the_operators_file_is_read_at_the_start) {
  stop();
  const auto file = directory_ / "pools.toml";
  std::ofstream(file) << "[[pool]]\nname = \"cc\"\nexecutors = 3\n";
  options_.pools_file = file;
  start();
  auto agent = known_client();
  EXPECT_EQ(query(agent, "cc")->pools.at(0).definition.spec.executors, 3U);
  stop();
  std::ofstream(file) << "[[pool]]\nname = \"cc\"\nexecutors = 5\n";
  start();
  auto other = known_client();
  const auto shown = query(other, "cc");
  EXPECT_EQ(shown->pools.at(0).definition.spec.executors, 5U);
  EXPECT_EQ(shown->pools.at(0).definition.version, 2U);
}

TEST_F(PoolSide, a_file_with_a_wrong_pool_stops_the_start_with_its_name) {
  stop();
  const auto file = directory_ / "pools.toml";
  std::ofstream(file) << "[[pool]]\nname = \"cc\"\nexecutors = 9999\n";
  options_.pools_file = file;
  const auto server = Server::create(*reactor_, context_, Logger(), options_);
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("pools.toml: pool \"cc\": executors: 9999"));
}

// ---- JSON --------------------------------------------------------------------------------------

TEST(PoolJson, definitions_are_read_as_they_were_written) {
  PoolDefinition full;
  full.version = 12;
  full.changed_s = 1'700'000'000;
  full.spec = {"cc",
               PoolContext::forkserver,
               {{"sh", "-c", "true \"x\""}, {"true"}},
               5'000,
               {"/usr/lib/libc.so"},
               {{"g++", "/usr/bin/g++", "x86_64", digest_of("g++")}},
               8,
               {"zone=a", "!spot"},
               2,
               {{0x1f, 480, 1'200, 16}},
               600'000,
               {1, 2, 3},
               {{"LANG", "C"}},
               {"/usr/bin/g++", "--version"}};
  PoolDefinition tombstone;
  tombstone.spec.name = "old";
  tombstone.deleted = true;
  tombstone.version = 13;
  const std::vector<DefinitionPtr> written = {std::make_shared<const PoolDefinition>(full),
                                              std::make_shared<const PoolDefinition>(tombstone)};
  const auto read = definitions_of(definitions_text(written));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(*read, ElementsAre(full, tombstone));
}

TEST(PoolJson, what_cannot_be_read_is_named) {
  const auto problem = [](const std::string& text) {
    const auto read = definitions_of(text);
    return read ? "none" : read.error().message;
  };
  EXPECT_THAT(problem("not json"), HasSubstr("no JSON object"));
  EXPECT_THAT(problem("{\"pools\": 3}"), HasSubstr("pools must be a list"));
  EXPECT_THAT(problem("{\"pools\": [{\"version\": -1}]}"), HasSubstr("pools.version must be"));
  EXPECT_THAT(problem("{\"pools\": [{\"spec\": {\"context\": \"x\"}}]}"),
              HasSubstr("pools.spec.context must be spawn"));
  EXPECT_THAT(problem("{\"pools\": [{\"spec\": {\"windows\": [{\"days\": 300}]}}]}"),
              HasSubstr("days is too large"));
  EXPECT_THAT(problem("{\"pools\": [{\"spec\": {\"environment\": [[\"A\"]]}}]}"),
              HasSubstr("a list of two"));
  EXPECT_THAT(problem("{\"pools\": [{\"spec\": {\"toolchains\": [{\"digest\": \"00\"}]}}]}"),
              HasSubstr("hexadecimal"));
  EXPECT_EQ(problem("{\"pools\": [{\"unknown\": 1}]}"), "none");
}

// ---- Metrics -----------------------------------------------------------------------------------

TEST(PoolMetricsTest, a_deleted_pools_gauges_go) {
  metrics::Registry registry;
  PoolMetrics metrics(registry);
  PoolDefinition definition;
  definition.spec.name = "cc";
  PoolOnNode standing;
  standing.state = PoolState::ready;
  standing.ready = 3;
  PoolView view{std::make_shared<const PoolDefinition>(definition),
                {{"a", NodeState::ready, 4, true, std::make_shared<const PoolOnNode>(standing)}},
                2};
  metrics.observe({view});
  const auto text = registry.text();
  EXPECT_THAT(text, HasSubstr("kiln_pool_nodes{pool=\"cc\",state=\"ready\"} 1"));
  EXPECT_THAT(text, HasSubstr("kiln_pool_executors_wanted{pool=\"cc\"} 4"));
  EXPECT_THAT(text, HasSubstr("kiln_pool_executors_ready{pool=\"cc\"} 3"));
  EXPECT_THAT(text, HasSubstr("kiln_pool_requests_waiting{pool=\"cc\"} 2"));
  metrics.observe({});
  EXPECT_THAT(registry.text(), Not(HasSubstr("pool=\"cc\"")));
}

}  // namespace
}  // namespace kiln::coordinator
