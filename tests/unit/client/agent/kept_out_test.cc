// A farm whose coordinator has keys and does not let this client in: what waiting calls are told.
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include <gtest/gtest.h>

#include "client/agent/farm_link.h"
#include "client/agent/lease_desk.h"
#include "common/auth/keys.h"
#include "common/net/gatekeeper.h"
#include "tests/unit/client/agent/fake_coordinator.h"
#include "tests/unit/client/agent/turning.h"

namespace kiln::client {
namespace {

class KeptOutTest : public testing::Test {
 protected:
  KeptOutTest() {
    context_.set_identity(own_);
    keeper_ = std::move(*net::Gatekeeper::open(*reactor_, context_,
                                               [this](const net::Visitor&) { return admits_; }));
    coordinator_ = std::make_unique<FakeCoordinator>(*reactor_, context_);
  }

  void open(const PublicKey& known_as) {
    auth::KeyFile key;
    key.name = "laptop";
    key.keys = *auth::make_key_pair();
    key.coordinators = {known_as};
    client_context_.set_identity(key.keys);
    FarmLink::Handlers handlers;
    handlers.grant = [this](const wire::Grant& grant) { desk_->granted(grant); };
    handlers.refused = [this](const wire::Refused& refusal) { desk_->refused(refusal); };
    handlers.changed = [this] { desk_->farm_changed(); };
    farm_ = std::make_unique<FarmLink>(*reactor_, client_context_, Logger(), wire::ClientHello{},
                                       std::move(handlers));
    desk_ = std::make_unique<LeaseDesk>(*reactor_, *farm_, BookPolicy{});
    EXPECT_TRUE(
        farm_->connect({*net::parse_endpoint(coordinator_->endpoint(), 0)}, key, "laptop.key"));
  }
  void wait(bool insists, Duration farm_patience = {}) {
    LeaseWish wish;
    wish.patience = std::chrono::hours(1);
    wish.insists = insists;
    wish.farm_patience = farm_patience;
    desk_->wait(std::move(wish), [this](Result<HeldLease> lease) {
      if (lease) {
        ++leases_;
      } else {
        error_ = lease.error();
      }
    });
  }
  bool until(const std::function<bool()>& condition) { return turn_until(*reactor_, condition); }
  bool is_refused() const { return farm_->states().front().state == "refused"; }

  std::unique_ptr<net::Reactor> reactor_ = std::move(*net::Reactor::create());
  KeyPair own_ = *auth::make_key_pair();
  net::Context context_;
  net::Context client_context_;
  bool admits_ = false;
  std::unique_ptr<net::Gatekeeper> keeper_;
  std::unique_ptr<FakeCoordinator> coordinator_;
  std::unique_ptr<FarmLink> farm_;
  std::unique_ptr<LeaseDesk> desk_;
  std::optional<Error> error_;
  int leases_ = 0;
};

TEST_F(KeptOutTest, who_insists_is_told_soon_what_lets_him_in) {
  open(own_.public_key);
  wait(true);
  ASSERT_TRUE(until([&] { return error_.has_value(); }));
  EXPECT_TRUE(farm_->kept_out());
  EXPECT_EQ(error_->code, Errc::unavailable);
  EXPECT_NE(error_->message.find("kiln keys allow laptop "), std::string::npos) << error_->message;
}

TEST_F(KeptOutTest, who_comes_later_does_not_wait_either) {
  open(own_.public_key);
  ASSERT_TRUE(until([&] { return farm_->kept_out(); }));
  wait(false);
  ASSERT_TRUE(until([&] { return error_.has_value(); }));
  EXPECT_EQ(error_->code, Errc::unavailable);
}

TEST_F(KeptOutTest, who_insists_waits_for_a_key_that_has_just_been_allowed) {
  open(own_.public_key);
  ASSERT_TRUE(until([&] { return farm_->kept_out(); }));
  wait(true);
  admits_ = true;
  EXPECT_TRUE(until([&] { return leases_ == 1; }));
  EXPECT_FALSE(error_);
}

TEST_F(KeptOutTest, once_the_key_is_allowed_calls_are_served) {
  open(own_.public_key);
  ASSERT_TRUE(until([&] { return farm_->kept_out(); }));
  admits_ = true;
  ASSERT_TRUE(until([&] { return farm_->usable(); }));
  EXPECT_FALSE(farm_->kept_out());
  wait(true);
  EXPECT_TRUE(until([&] { return leases_ == 1; }));
}

// A coordinator that ends while it shakes hands looks the same, and comes back.
TEST_F(KeptOutTest, who_insists_waits_for_a_coordinator_that_only_hangs_up) {
  open(auth::make_key_pair()->public_key);
  ASSERT_TRUE(until([&] { return is_refused(); }));
  EXPECT_FALSE(farm_->kept_out());
  const TimePoint begun = reactor_->now();
  wait(true, milliseconds(700));
  ASSERT_TRUE(until([&] { return error_.has_value(); }));
  EXPECT_GE(reactor_->now() - begun, milliseconds(700));
}

}  // namespace
}  // namespace kiln::client
