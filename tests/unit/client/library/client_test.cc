// Pools through the whole library, from an agent that answers as the test says.
#include <cstdlib>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <kiln/client.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/unique_fd.h"
#include "common/wire/stream.h"
#include "tests/support/temporary_directory.h"

namespace kiln::v1 {
namespace {

using Words = std::vector<std::string>;

// Opens a session and answers commands, each with the next answer, and the last for ever.
class PoolAgent {
 public:
  explicit PoolAgent(const std::string& socket)
      : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~PoolAgent() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  void then_answers(const std::string& json) {
    const std::lock_guard lock(mutex_);
    answers_.push_back({{}, json});
  }
  void then_fails(Errc code, const std::string& error) {
    const std::lock_guard lock(mutex_);
    answers_.push_back({{error, std::string(kiln::name(code))}, "{}"});
  }
  std::vector<Words> commands() const {
    const std::lock_guard lock(mutex_);
    return commands_;
  }
  bool knows_sessions = true;

 private:
  void serve() {
    const UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) return;
    static_cast<void>(wire::send_message(fd.get(), wire::Pong{}));
    while (auto envelope = wire::receive_message(fd.get())) {
      if (std::holds_alternative<wire::SessionHello>(envelope->message)) {
        const wire::Message answer =
            knows_sessions ? wire::Message(wire::SessionWelcome{1, 10})
                           : wire::Message(wire::Refused{0, "corrupt", "of no known kind"});
        static_cast<void>(wire::send_message(fd.get(), answer));
      } else if (const auto* command = std::get_if<wire::Command>(&envelope->message)) {
        const auto [reply, json] = next(*command);
        static_cast<void>(wire::send_message(fd.get(), reply, {json}));
      }
    }
  }
  std::pair<wire::CommandReply, std::string> next(const wire::Command& command) {
    const std::lock_guard lock(mutex_);
    commands_.push_back(command.arguments);
    auto answer = answers_.at(at_);
    if (at_ + 1 < answers_.size()) ++at_;
    return answer;
  }

  UniqueFd listener_;
  mutable std::mutex mutex_;
  std::vector<std::pair<wire::CommandReply, std::string>> answers_;
  std::size_t at_ = 0;
  std::vector<Words> commands_;
  std::thread thread_;
};

std::string pool_json(int wanted, int ready, const std::string& state = "warming") {
  return R"({"existed": false, "pools": [{"name": "p", "nodes": [{"node": "w1", "state": "ready",
      "answered": true, "wanted": )" +
         std::to_string(wanted) + R"(, "pool": {"state": ")" + state + R"(", "ready": )" +
         std::to_string(ready) + R"(, "reason": "killed at the time limit"}}]}]})";
}

class ClientTest : public testing::Test {
 protected:
  Result<Client> connect() {
    Options options;
    options.socket = socket_;
    options.agent = "/nonexistent/kiln-agent";
    options.environment = Environment{{"PATH", "/usr/bin:/bin"}};
    return Client::connect(options);
  }
  static PoolSpec spec() {
    PoolSpec spec;
    spec.name = "p";
    return spec;
  }
  static WarmUp within(int time_ms) {
    WarmUp options;
    options.limit = std::chrono::milliseconds(time_ms);
    return options;
  }

  test_support::TemporaryDirectory directory_;
  const std::string socket_ = directory_.path() / "agent.sock";
};

TEST_F(ClientTest, without_an_agent_connecting_fails_by_name) {
  const auto client = connect();
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().failure, Failure::no_agent);
}

TEST_F(ClientTest, PoolConformance_row_6_a_task_of_kilns_has_no_agent_and_makes_no_pools) {
  PoolAgent agent(socket_);
  Options options;
  options.socket = socket_;
  options.environment = Environment{{"KILN_EXECUTOR", "1"}};
  const auto declared = Client::connect(options);
  ASSERT_FALSE(declared);
  EXPECT_EQ(declared.error().failure, Failure::inside_task);
  EXPECT_EQ(declared.error().reason, "inside_task");
  ::setenv("KILN_EXECUTOR", "1", 1);
  const auto own = connect();
  ::unsetenv("KILN_EXECUTOR");
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().failure, Failure::inside_task);
  EXPECT_NE(own.error().message.find("makes no pools"), std::string::npos);
  EXPECT_TRUE(connect()) << "out of it";
}

TEST_F(ClientTest, an_agent_without_sessions_is_unsupported) {
  PoolAgent agent(socket_);
  agent.knows_sessions = false;
  const auto client = connect();
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().failure, Failure::unsupported);
}

TEST_F(ClientTest, PoolConformance_row_1_a_new_pool_comes_when_it_is_warm) {
  PoolAgent agent(socket_);
  agent.then_answers(pool_json(2, 0));
  agent.then_answers(pool_json(2, 1));
  agent.then_answers(pool_json(2, 2, "ready"));
  auto client = connect();
  ASSERT_TRUE(client) << client.error().message;
  std::vector<std::uint32_t> ready;
  WarmUp options;
  options.progress = [&](const PoolStatus& status) { ready.push_back(status.nodes[0].ready); };
  const auto pool = client->new_pool(spec(), Warm::all(), options);
  ASSERT_TRUE(pool) << pool.error().message;
  EXPECT_EQ(pool->name(), "p");
  EXPECT_EQ(ready, (std::vector<std::uint32_t>{0, 1, 2}));
  const auto commands = agent.commands();
  ASSERT_EQ(commands.size(), 3U);
  EXPECT_EQ(commands[0][0], "create");
  EXPECT_NE(commands[0][1].find("\"all\":true"), std::string::npos);
  EXPECT_EQ(commands[1], (Words{"show", "p"}));
}

TEST_F(ClientTest, PoolConformance_row_4_waiting_for_warmth_ends_and_says_for_what) {
  PoolAgent agent(socket_);
  agent.then_answers(pool_json(2, 1));
  auto client = connect();
  const auto pool = client->new_pool(spec(), Warm::all(), within(200));
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().failure, Failure::timed_out);
  EXPECT_NE(pool.error().message.find("w1 (1 of 2 executors ready"), std::string::npos);
}

TEST_F(ClientTest, PoolConformance_row_5_a_pool_that_differs_is_refused_with_the_difference) {
  PoolAgent agent(socket_);
  agent.then_fails(Errc::already_exists, "the pool p has 3 executors, not 4");
  auto client = connect();
  const auto pool = client->new_pool(spec(), Warm::none());
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().failure, Failure::pool_differs);
  EXPECT_EQ(pool.error().message, "the pool p has 3 executors, not 4");
}

TEST_F(ClientTest, PoolConformance_row_11_a_hanging_initializer_reaches_who_made_the_pool) {
  PoolAgent agent(socket_);
  agent.then_answers(pool_json(1, 0));
  agent.then_answers(pool_json(1, 0, "broken"));
  auto client = connect();
  const auto pool = client->new_pool(spec(), Warm::executors(1));
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().failure, Failure::initializer_timed_out);
  EXPECT_EQ(pool.error().node, "w1");
}

TEST_F(ClientTest, PoolConformance_row_28_closing_ends_waiting_for_warmth) {
  PoolAgent agent(socket_);
  agent.then_answers(pool_json(1, 0));
  auto client = connect();
  std::promise<void> waits;
  WarmUp options;
  options.progress = [&, told = false](const PoolStatus&) mutable {
    if (!std::exchange(told, true)) waits.set_value();
  };
  auto made = std::async(std::launch::async,
                         [&] { return client->new_pool(spec(), Warm::all(), options).error(); });
  waits.get_future().wait();
  client->close();
  EXPECT_EQ(made.get().failure, Failure::closed);
}

TEST_F(ClientTest, what_is_asked_of_a_pool_goes_to_the_agent_by_name) {
  PoolAgent agent(socket_);
  for (int i = 0; i < 6; ++i) agent.then_answers(pool_json(0, 0));
  agent.then_answers(R"({"existed": true, "pools": []})");  // it is deleted
  auto client = connect();
  auto pool = client->find_pool("p");
  ASSERT_TRUE(pool);
  EXPECT_TRUE(pool->quiesce());
  EXPECT_TRUE(pool->wake());
  EXPECT_TRUE(pool->resize(7));
  EXPECT_TRUE(pool->status());
  EXPECT_TRUE(pool->warm(Warm::none()));
  EXPECT_TRUE(pool->remove());
  EXPECT_EQ(agent.commands(), (std::vector<Words>{{"show", "p"},
                                                  {"quiesce", "p"},
                                                  {"wake", "p"},
                                                  {"resize", "p", "7"},
                                                  {"show", "p"},
                                                  {"warm", "p", "0"},
                                                  {"delete", "p"}}));
  EXPECT_EQ(pool->submit({}).get().error().failure, Failure::closed);
  EXPECT_EQ(client->find_pool("q").error().failure, Failure::no_pool);
}

}  // namespace
}  // namespace kiln::v1
