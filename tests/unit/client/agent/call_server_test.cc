#include "client/agent/call_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/files.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/client/agent/turning.h"

namespace kiln::client {
namespace {

class CallServerTest : public testing::Test {
 protected:
  CallServerTest() { server_ = std::move(*listen()); }

  Result<std::unique_ptr<CallServer>> listen() {
    CallServer::Handlers handlers;
    handlers.message = [this](CallServer::ConnectionId id, wire::Envelope envelope) {
      messages_.emplace_back(id, std::move(envelope.message));
    };
    handlers.closed = [this](CallServer::ConnectionId id) { closed_.push_back(id); };
    return CallServer::listen(*reactor_, path(), Logger(), std::move(handlers));
  }

  std::string path() const { return directory_.path() / "agent.sock"; }

  sockaddr_un address() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }
  UniqueFd connect() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto to = address();
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    return fd;
  }
  // What a crash leaves behind.
  void leave_dead_socket() {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto at = address();
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  }
  static void send(const UniqueFd& fd, const wire::Message& message) {
    EXPECT_TRUE(write_all(fd.get(), wire::pack_stream(wire::encode(message))));
  }
  static std::string greeting() { return wire::pack_stream(wire::encode(wire::Pong{})); }
  // What the client reads until the server closes.
  std::string read_to_end(const UniqueFd& fd) {
    std::string text;
    const bool ended = turn_until(*reactor_, [&] {
      std::array<char, 65536> buffer;
      while (true) {
        const auto count = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count == 0) return true;
        if (count < 0) return false;
        text.append(buffer.data(), static_cast<std::size_t>(count));
      }
    });
    EXPECT_TRUE(ended) << "the server did not close";
    return text;
  }
  bool got(std::size_t messages) {
    return turn_until(*reactor_, [&] { return messages_.size() >= messages; });
  }

  test_support::TemporaryDirectory directory_;
  std::unique_ptr<net::Reactor> reactor_ = std::move(*net::Reactor::create());
  std::unique_ptr<CallServer> server_;
  std::vector<std::pair<CallServer::ConnectionId, wire::Message>> messages_;
  std::vector<CallServer::ConnectionId> closed_;
};

TEST_F(CallServerTest, a_file_in_the_sockets_place_is_left_alone) {
  server_.reset();
  ASSERT_TRUE(write_file_atomically(path(), "mine", 0644));
  const auto refused = listen();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("is no socket; set KILN_SOCKET"), std::string::npos);
  EXPECT_EQ(read_file(path()).value_or(""), "mine");
}

TEST_F(CallServerTest, greets_before_it_is_asked_anything) {
  const auto client = connect();
  std::string text(greeting().size() + 1, '\0');
  ssize_t count = -1;
  ASSERT_TRUE(turn_until(*reactor_, [&] {
    count = ::recv(client.get(), text.data(), text.size(), MSG_DONTWAIT);
    return count > 0;
  }));
  EXPECT_EQ(text.substr(0, static_cast<std::size_t>(count)), greeting());
}

TEST_F(CallServerTest, answers_and_closes) {
  const auto client = connect();
  send(client, wire::Ping{7});
  ASSERT_TRUE(got(1));
  EXPECT_EQ(std::get<wire::Ping>(messages_[0].second).number, 7U);
  const wire::Frames raw = {"out", "err"};
  server_->send(messages_[0].first, wire::CallDone{3, 0}, raw, true);
  EXPECT_EQ(read_to_end(client),
            greeting() + wire::pack_stream(wire::encode(wire::CallDone{3, 0}, raw)));
  EXPECT_TRUE(closed_.empty()) << "the server closed it itself";
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(CallServerTest, a_client_that_never_reads_holds_up_nobody) {
  const auto deaf = connect();
  send(deaf, wire::Ping{1});
  ASSERT_TRUE(got(1));
  server_->send(messages_[0].first, wire::Pong{1}, {std::string(20'000'000, 'x')}, true);
  send(deaf, wire::Ping{2});
  const auto other = connect();
  send(other, wire::Ping{3});
  ASSERT_TRUE(got(2));
  EXPECT_EQ(std::get<wire::Ping>(messages_[1].second).number, 3U)
      << "who has an answer asks nothing more";
  server_->send(messages_[1].first, wire::Pong{3}, {}, true);
  EXPECT_GT(read_to_end(other).size(), greeting().size());
  EXPECT_EQ(server_->connections(), 1U);
  EXPECT_GT(read_to_end(deaf).size(), 20'000'000U) << "it may still read it all";
}

TEST_F(CallServerTest, who_lets_answers_pile_up_is_not_read_until_he_reads) {
  const auto session = connect();
  send(session, wire::Ping{1});
  ASSERT_TRUE(got(1));
  server_->send(messages_[0].first, wire::Pong{1}, {std::string(20'000'000, 'x')}, false);
  send(session, wire::Ping{2});
  const auto other = connect();
  send(other, wire::Ping{3});
  ASSERT_TRUE(got(2));
  EXPECT_EQ(std::get<wire::Ping>(messages_[1].second).number, 3U);
  ASSERT_TRUE(turn_until(*reactor_, [&] {
    std::array<char, 65536> buffer;
    while (::recv(session.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
    }
    return messages_.size() == 3;
  }));
  EXPECT_EQ(std::get<wire::Ping>(messages_[2].second).number, 2U);
}

TEST_F(CallServerTest, a_launcher_that_is_gone_is_reported) {
  auto client = connect();
  send(client, wire::Call{});
  ASSERT_TRUE(got(1));
  client.reset();
  EXPECT_TRUE(turn_until(*reactor_, [&] { return closed_.size() == 1; }));
  EXPECT_EQ(closed_[0], messages_[0].first);
  server_->send(closed_[0], wire::CallDone{}, {}, true);  // too late is no harm
}

TEST_F(CallServerTest, an_answer_to_one_who_is_gone_reports_him) {
  auto client = connect();
  send(client, wire::Call{});
  ASSERT_TRUE(got(1));
  server_->send(messages_[0].first, wire::CallDone{}, {std::string(20'000'000, 'x')}, true);
  client.reset();
  EXPECT_TRUE(turn_until(*reactor_, [&] { return server_->connections() == 0; }));
  EXPECT_EQ(closed_.size(), 1U);
}

TEST_F(CallServerTest, noise_ends_the_connection) {
  const auto client = connect();
  EXPECT_TRUE(write_all(client.get(), "\xff\xff\xff\xff and so on"));
  EXPECT_EQ(read_to_end(client), greeting());
  EXPECT_EQ(closed_.size(), 1U);
}

TEST_F(CallServerTest, a_message_that_cannot_be_read_is_refused) {
  const auto client = connect();
  auto frames = wire::encode(wire::Ping{});
  frames[0][0] = static_cast<char>(frames[0][0] + 1);
  EXPECT_TRUE(write_all(client.get(), wire::pack_stream(frames)));
  EXPECT_GT(read_to_end(client).size(), greeting().size());
  EXPECT_TRUE(messages_.empty());
}

TEST_F(CallServerTest, one_agent_a_socket_and_a_dead_one_is_replaced) {
  EXPECT_EQ(listen().error().code, Errc::already_exists);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path()));
  leave_dead_socket();
  EXPECT_TRUE(listen());
}

TEST_F(CallServerTest, a_successors_socket_stays) {
  std::filesystem::rename(path(), path() + ".old");
  const auto successor = listen();
  ASSERT_TRUE(successor);
  server_.reset();
  EXPECT_TRUE(std::filesystem::exists(path()));
  const auto client = connect();
  send(client, wire::Ping{4});
  EXPECT_TRUE(got(1));
}

}  // namespace
}  // namespace kiln::client
