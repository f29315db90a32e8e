// What a worker says to a coordinator that refuses it.
#include "worker/server/coordinator_link.h"

#include <functional>

#include <gtest/gtest.h>

#include "common/net/context.h"
#include "common/net/router.h"
#include "common/wire/codec.h"

namespace kiln::worker {
namespace {

// A coordinator that refuses every hello, in its own protocol version.
class Refuser {
 public:
  Refuser(net::Reactor& reactor, net::Context& context, char version, Errc code)
      : router_(std::move(*net::Router::bind(reactor, context, "tcp://127.0.0.1:0"))) {
    router_->on_message([this, version, code](const net::PeerId& peer, const wire::Frames&) {
      ++hellos;
      auto frames = wire::encode(wire::Refused{0, std::string(name(code)), "as the test says"});
      frames[0][1] = version;
      static_cast<void>(router_->send(peer, std::move(frames)));
    });
  }
  std::string endpoint() const { return router_->endpoint(); }
  int hellos = 0;

 private:
  std::unique_ptr<net::Router> router_;
};

TEST(CoordinatorLink, another_version_is_greeted_once_and_a_name_in_use_until_it_is_free) {
  auto reactor = std::move(*net::Reactor::create());
  net::Context context;
  const auto version = static_cast<char>(wire::kProtocolVersion);
  Refuser other(*reactor, context, static_cast<char>(version + 1), Errc::version_mismatch);
  Refuser busy(*reactor, context, version, Errc::already_exists);
  const auto connect = [&](const Refuser& to) {
    return std::move(*CoordinatorLink::connect(*reactor, context, Logger(), to.endpoint(),
                                               NodeInfo{}, [] { return Occupancy{}; }));
  };
  const auto first = connect(other);
  const auto second = connect(busy);
  const TimePoint deadline = reactor->now() + seconds(20);
  const std::function<void()> look = [&] {
    if (busy.hellos >= 3 || reactor->now() >= deadline) return reactor->stop();
    reactor->call_after(milliseconds(10), look);
  };
  look();
  reactor->run();
  EXPECT_GE(busy.hellos, 3);
  EXPECT_EQ(other.hellos, 1);
}

TEST(CoordinatorLink, a_coordinator_that_knew_the_worker_and_went_is_counted_once) {
  auto reactor = std::move(*net::Reactor::create());
  net::Context context;
  auto router = std::move(*net::Router::bind(*reactor, context, "tcp://127.0.0.1:0"));
  router->on_message([&](const net::PeerId& peer, const wire::Frames&) {
    wire::WorkerWelcome welcome;
    welcome.coordinator_epoch = 1;
    static_cast<void>(router->send(peer, wire::encode(welcome)));
  });
  const auto link = std::move(*CoordinatorLink::connect(
      *reactor, context, Logger(), router->endpoint(), NodeInfo{}, [] { return Occupancy{}; }));
  const auto run_until = [&](const std::function<bool()>& true_of) {
    const TimePoint deadline = reactor->now() + seconds(20);
    const std::function<void()> look = [&] {
      if (true_of() || reactor->now() >= deadline) return reactor->stop();
      reactor->call_after(milliseconds(10), look);
    };
    look();
    reactor->run();
    return true_of();
  };
  EXPECT_TRUE(run_until([&] { return link->welcomed(); }));
  EXPECT_EQ(link->losses(), 0U);
  router.reset();
  EXPECT_TRUE(run_until([&] { return !link->welcomed(); }));
  EXPECT_EQ(link->losses(), 1U);
}

}  // namespace
}  // namespace kiln::worker
