// Directly or through a coordinator: which, when, and what is told of it.
#include "client/agent/auto_connection.h"

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/unit/client/agent/turning.h"

namespace kiln::client {
namespace {

// A way that a test opens and closes.
struct Way final : net::Connection {
  void on_message(std::function<void(wire::Frames)> fn) override { message = std::move(fn); }
  void on_state(std::function<void(bool)> fn) override { state = std::move(fn); }
  bool connected() const override { return up; }
  Status send(wire::Frames) override {
    ++sent;
    return {};
  }
  Duration patience() const override { return seconds(7); }
  void set(bool now) {
    up = now;
    state(now);
  }

  bool up = false;
  int sent = 0;
  std::function<void(wire::Frames)> message;
  std::function<void(bool)> state;
};

class AutoConnectionTest : public testing::Test {
 protected:
  std::unique_ptr<AutoConnection> make(const std::string& address = "tcp://127.0.0.1:9",
                                       bool has_relay = true) {
    AutoConnection::Parts parts{
        *reactor_, *pool_,
        [this](const std::string& found) -> Result<std::unique_ptr<net::Connection>> {
          address_ = found;
          if (direct_fails) return fail(Errc::invalid_argument, "no such way");
          auto way = std::make_unique<Way>();
          direct_ = way.get();
          return way;
        },
        [this]() -> Result<std::unique_ptr<net::Connection>> {
          auto way = std::make_unique<Way>();
          relay_ = way.get();
          return way;
        },
        [this](bool direct, const std::string& why) {
          ++settled_;
          is_direct_ = direct;
          why_ = why;
        }};
    if (!has_relay) parts.relay = nullptr;
    auto made = std::make_unique<AutoConnection>(std::move(parts), address);
    made->on_state([this](bool connected) { states_.push_back(connected); });
    return made;
  }
  bool until(const std::function<bool()>& condition) {
    return turn_until(*reactor_, condition, seconds(15));
  }

  std::unique_ptr<net::Reactor> reactor_ = std::move(*net::Reactor::create());
  std::unique_ptr<ThreadPool> pool_ = std::make_unique<ThreadPool>(1);
  bool direct_fails = false;
  std::string address_;
  Way* direct_ = nullptr;
  Way* relay_ = nullptr;
  int settled_ = 0;
  bool is_direct_ = false;
  std::string why_;
  std::deque<bool> states_;
};

TEST_F(AutoConnectionTest, what_is_reached_directly_stays_direct_also_when_it_breaks) {
  const auto connection = make();
  ASSERT_NE(direct_, nullptr);
  EXPECT_FALSE(connection->connected());
  direct_->set(true);
  EXPECT_TRUE(connection->connected());
  EXPECT_TRUE(is_direct_);
  direct_->set(false);
  EXPECT_EQ(states_, (std::deque<bool>{true, false}));
  EXPECT_EQ(connection->patience(), seconds(7));
  EXPECT_FALSE(turn_until(
      *reactor_, [&] { return relay_ != nullptr; }, milliseconds(2500)));
  EXPECT_EQ(settled_, 1);
}

TEST_F(AutoConnectionTest, what_is_not_reached_within_two_seconds_takes_the_coordinator) {
  const TimePoint begin = reactor_->now();
  const auto connection = make();
  ASSERT_TRUE(until([&] { return relay_ != nullptr; }));
  EXPECT_GE(reactor_->now() - begin, seconds(2));
  EXPECT_EQ(settled_, 1);
  EXPECT_FALSE(is_direct_);
  EXPECT_EQ(why_, "it cannot be reached directly within 2 s");
  relay_->set(true);
  ASSERT_TRUE(connection->send({"x"}));
  EXPECT_EQ(relay_->sent, 1);
  EXPECT_EQ(states_, (std::deque<bool>{true}));
}

TEST_F(AutoConnectionTest, a_name_that_nobody_knows_takes_the_coordinator_at_once) {
  const auto connection = make("tcp://no-such-host.invalid:9");
  ASSERT_TRUE(until([&] { return relay_ != nullptr; }));
  EXPECT_EQ(direct_, nullptr);
  EXPECT_NE(why_.find("no-such-host.invalid"), std::string::npos) << why_;
}

TEST_F(AutoConnectionTest, a_name_is_looked_up_before_it_is_tried) {
  const auto connection = make("tcp://localhost:9");
  EXPECT_EQ(direct_, nullptr) << "not on this thread";
  ASSERT_TRUE(until([&] { return direct_ != nullptr; }));
  EXPECT_TRUE(address_ == "tcp://127.0.0.1:9" || address_ == "tcp://[::1]:9") << address_;
}

TEST_F(AutoConnectionTest, what_has_one_way_alone_waits_for_it) {
  const auto connection = make("tcp://localhost:9", false);
  EXPECT_EQ(direct_, nullptr) << "not on this thread";
  EXPECT_GT(connection->patience(), seconds(0)) << "for the look-up";
  ASSERT_TRUE(until([&] { return direct_ != nullptr; }));
  EXPECT_EQ(connection->patience(), seconds(7)) << "the way's own";
  EXPECT_FALSE(turn_until(
      *reactor_, [&] { return settled_ > 0; }, milliseconds(2500)));
  direct_->set(true);
  EXPECT_TRUE(connection->connected());
}

TEST_F(AutoConnectionTest, what_has_one_way_alone_and_no_address_is_gone) {
  const auto connection = make("tcp://no-such-host.invalid:9", false);
  ASSERT_TRUE(until([&] { return settled_ > 0; }));
  EXPECT_NE(why_.find("no-such-host.invalid"), std::string::npos) << why_;
  EXPECT_FALSE(connection->connected());
  EXPECT_EQ(connection->patience(), seconds(0));
}

TEST_F(AutoConnectionTest, an_address_that_cannot_be_one_takes_the_coordinator) {
  direct_fails = true;
  const auto connection = make();
  EXPECT_NE(relay_, nullptr);
  EXPECT_EQ(why_, "no such way");
}

TEST_F(AutoConnectionTest, a_reactor_that_stood_still_waits_on) {
  const auto connection = make();
  bool stood = false;
  reactor_->call_after(milliseconds(10), [&] {
    // What is under test is a reactor that does not turn for longer than it was to wait.
    const TimePoint end = reactor_->now() + milliseconds(2300);
    while (reactor_->now() < end) {
    }
    stood = true;
  });
  ASSERT_TRUE(until([&] { return stood; }));
  EXPECT_FALSE(turn_until(
      *reactor_, [&] { return relay_ != nullptr; }, milliseconds(300)));
  direct_->set(true);
  EXPECT_TRUE(is_direct_);
}

TEST_F(AutoConnectionTest, one_that_goes_while_a_name_is_looked_up_hears_nothing) {
  make("tcp://localhost:9").reset();
  pool_.reset();  // the look-up has ended
  EXPECT_FALSE(turn_until(
      *reactor_, [&] { return direct_ != nullptr; }, milliseconds(50)));
}

}  // namespace
}  // namespace kiln::client
