#include "client/agent/farm_link.h"

#include <gtest/gtest.h>

#include "tests/unit/client/agent/fake_coordinator.h"
#include "tests/unit/client/agent/turning.h"

namespace kiln::client {
namespace {

class FarmLinkTest : public testing::Test {
 protected:
  void connect(const std::vector<FakeCoordinator*>& coordinators) {
    farm_ = std::make_unique<FarmLink>(
        *reactor_, context_, Logger(), wire::ClientHello{},
        FarmLink::Handlers{[](const auto&) {}, [](const auto&) {}, [] {}});
    std::vector<net::Endpoint> endpoints;
    for (const auto* one : coordinators)
      endpoints.push_back(*net::parse_endpoint(one->endpoint(), 0));
    EXPECT_TRUE(farm_->connect(endpoints, {}, ""));
  }
  bool until(const std::function<bool()>& condition) { return turn_until(*reactor_, condition); }

  std::unique_ptr<net::Reactor> reactor_ = std::move(*net::Reactor::create());
  net::Context context_;
  FakeCoordinator other_{*reactor_, context_};
  FakeCoordinator good_{*reactor_, context_};
  std::unique_ptr<FarmLink> farm_;
};

TEST_F(FarmLinkTest, a_coordinator_of_another_version_is_greeted_once_a_connection) {
  other_.other_version = true;
  connect({&other_, &good_});
  // The heartbeats of the good one say that time has passed.
  ASSERT_TRUE(until([&] { return good_.pings >= 5; }));
  EXPECT_EQ(other_.hellos, 1);
  const auto state = farm_->states().front();
  EXPECT_EQ(state.state, "refused");
  EXPECT_TRUE(state.other_version);
  EXPECT_NE(state.reason.find("speaks protocol 2"), std::string::npos) << state.reason;
  other_.other_version = false;
  other_.restart();
  ASSERT_TRUE(until([&] { return farm_->states().front().state == "connected"; }));
  EXPECT_FALSE(farm_->states().front().other_version);
}

TEST_F(FarmLinkTest, why_not_tells_of_the_version) {
  other_.other_version = true;
  connect({&other_});
  ASSERT_TRUE(until([&] { return farm_->states().front().state == "refused"; }));
  EXPECT_FALSE(farm_->usable());
  EXPECT_NE(farm_->why_not().find("update the older one"), std::string::npos);
}

}  // namespace
}  // namespace kiln::client
