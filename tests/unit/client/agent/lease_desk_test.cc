#include "client/agent/lease_desk.h"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "tests/unit/client/agent/fake_coordinator.h"
#include "tests/unit/client/agent/turning.h"

namespace kiln::client {
namespace {

const Digest kGcc = digest_of("gcc");

class LeaseDeskTest : public testing::Test {
 protected:
  void open(bool with_coordinator = true, net::Endpoint otherwise = {"127.0.0.1", 1}) {
    FarmLink::Handlers handlers;
    handlers.grant = [this](const wire::Grant& grant) { desk_->granted(grant); };
    handlers.refused = [this](const wire::Refused& refusal) { desk_->refused(refusal); };
    handlers.changed = [this] { desk_->farm_changed(); };
    farm_ = std::make_unique<FarmLink>(*reactor_, context_, Logger(), wire::ClientHello{},
                                       std::move(handlers));
    desk_ = std::make_unique<LeaseDesk>(*reactor_, *farm_, BookPolicy{});
    const auto endpoint =
        with_coordinator ? *net::parse_endpoint(coordinator_.endpoint(), 0) : otherwise;
    EXPECT_TRUE(farm_->connect({endpoint}, {}, ""));
    if (with_coordinator) {
      EXPECT_TRUE(turn_until(*reactor_, [&] { return farm_->usable(); }));
    }
  }

  LeaseDesk::Ticket wait(std::vector<std::string> excluded = {}, bool insists = false,
                         std::int32_t priority = 0) {
    LeaseWish wish;
    wish.priority = priority;
    wish.toolchain = kGcc;
    wish.excluded = std::move(excluded);
    wish.patience = patience_;
    wish.insists = insists;
    wish.farm_patience = farm_patience_;
    return desk_->wait(std::move(wish), [this](Result<HeldLease> lease) {
      if (lease) {
        leases_.push_back(lease->lease.id);
      } else {
        errors_.push_back(lease.error());
      }
    });
  }
  bool until(const std::function<bool()>& condition) { return turn_until(*reactor_, condition); }

  std::unique_ptr<net::Reactor> reactor_ = std::move(*net::Reactor::create());
  net::Context context_;
  FakeCoordinator coordinator_{*reactor_, context_};
  std::unique_ptr<FarmLink> farm_;
  std::unique_ptr<LeaseDesk> desk_;
  Duration patience_ = seconds(10);
  Duration farm_patience_{};
  std::vector<LeaseId> leases_;
  std::vector<Error> errors_;
};

TEST_F(LeaseDeskTest, calls_that_come_together_are_asked_for_together) {
  open();
  for (int i = 0; i < 3; ++i) wait();
  ASSERT_TRUE(until([&] { return leases_.size() == 3; }));
  ASSERT_EQ(coordinator_.acquires.size(), 1U);
  EXPECT_EQ(coordinator_.acquires[0].count, 3U);
}

TEST_F(LeaseDeskTest, a_lease_that_was_given_back_serves_the_next_call) {
  open();
  wait();
  ASSERT_TRUE(until([&] { return leases_.size() == 1; }));
  desk_->give_back(leases_[0]);
  wait();
  ASSERT_TRUE(until([&] { return leases_.size() == 2; }));
  EXPECT_EQ(leases_[0], leases_[1]);
  EXPECT_EQ(coordinator_.acquires.size(), 1U) << "no round trip for it";
}

TEST_F(LeaseDeskTest, a_lease_of_another_priority_serves_nobody_else) {
  open();
  wait();
  ASSERT_TRUE(until([&] { return leases_.size() == 1; }));
  desk_->give_back(leases_[0]);
  wait({}, false, 7);
  ASSERT_TRUE(until([&] { return leases_.size() == 2; }));
  ASSERT_EQ(coordinator_.acquires.size(), 2U);
  EXPECT_EQ(coordinator_.acquires[1].priority, 7);
  EXPECT_NE(leases_[0], leases_[1]);
}

TEST_F(LeaseDeskTest, refused_and_idle_leases_are_released) {
  open();
  wait();
  wait();
  ASSERT_TRUE(until([&] { return leases_.size() == 2; }));
  desk_->spoil(leases_[0]);
  ASSERT_TRUE(until([&] { return coordinator_.released.size() == 1; }));
  EXPECT_EQ(coordinator_.released[0], leases_[0]);
  desk_->give_back(leases_[1]);
  ASSERT_TRUE(until([&] { return coordinator_.released.size() == 2; })) << "after two idle seconds";
}

TEST_F(LeaseDeskTest, a_call_with_exclusions_asks_for_itself) {
  open();
  wait({"bad"});
  ASSERT_TRUE(until([&] { return leases_.size() == 1; }));
  ASSERT_EQ(coordinator_.acquires.size(), 1U);
  EXPECT_EQ(coordinator_.acquires[0].excluded, std::vector<std::string>{"bad"});
}

TEST_F(LeaseDeskTest, without_a_coordinator_calls_end_soon) {
  open(false);
  wait();
  ASSERT_TRUE(until([&] { return errors_.size() == 1; }));
  EXPECT_EQ(errors_[0].code, Errc::unavailable);
  EXPECT_NE(errors_[0].message.find("127.0.0.1:1"), std::string::npos) << errors_[0].message;
}

TEST_F(LeaseDeskTest, with_a_coordinator_of_another_version_calls_end_soon) {
  coordinator_.other_version = true;
  open(false, net::parse_endpoint(coordinator_.endpoint(), 0).value());
  wait();
  ASSERT_TRUE(until([&] { return errors_.size() == 1; }));
  EXPECT_EQ(errors_[0].code, Errc::unavailable);
  EXPECT_NE(errors_[0].message.find("protocol 2"), std::string::npos) << errors_[0].message;
}

TEST_F(LeaseDeskTest, who_insists_waits_for_a_coordinator_to_come_back) {
  open();
  coordinator_.grants = false;
  wait({}, true);
  wait();
  ASSERT_TRUE(until([&] { return !coordinator_.acquires.empty(); }));
  coordinator_.restart();
  coordinator_.grants = true;
  ASSERT_TRUE(until([&] { return !leases_.empty(); })) << "asked again of the new one";
}

TEST_F(LeaseDeskTest, a_refusal_for_good_ends_the_call) {
  open();
  coordinator_.refusal = Errc::unavailable;
  wait();
  ASSERT_TRUE(until([&] { return errors_.size() == 1; }));
  EXPECT_EQ(errors_[0].code, Errc::unavailable);
}

TEST_F(LeaseDeskTest, a_wish_that_nobody_grants_ever_ends_also_for_who_insists) {
  open();
  coordinator_.refusal = Errc::invalid_argument;
  wait({}, true);
  ASSERT_TRUE(until([&] { return errors_.size() == 1; }));
  EXPECT_EQ(errors_[0].code, Errc::invalid_argument);
}

TEST_F(LeaseDeskTest, PoolConformance_row_29_who_insists_waits_for_a_node_as_long_as_he_says) {
  open();
  farm_patience_ = milliseconds(600);
  coordinator_.refusal = Errc::unavailable;
  const TimePoint begun = reactor_->now();
  wait({}, true);
  ASSERT_TRUE(until([&] { return errors_.size() == 1; }));
  EXPECT_EQ(errors_[0].code, Errc::unavailable);
  EXPECT_GE(reactor_->now() - begun, farm_patience_);
  EXPECT_GE(coordinator_.acquires.size(), 2U) << "asked again meanwhile";
}

TEST_F(LeaseDeskTest, PoolConformance_row_29_and_for_a_coordinator_likewise) {
  open(false);
  farm_patience_ = milliseconds(900);
  patience_ = std::chrono::hours(1);
  const TimePoint begun = reactor_->now();
  wait({}, true);
  ASSERT_TRUE(until([&] { return errors_.size() == 1; }));
  EXPECT_EQ(errors_[0].code, Errc::unavailable);
  EXPECT_GE(reactor_->now() - begun, farm_patience_);
}

TEST_F(LeaseDeskTest, who_insists_is_patient_while_others_like_him_are_served) {
  open();
  coordinator_.granted.lease.worker = "w";
  wait();
  ASSERT_TRUE(until([&] { return leases_.size() == 1; }));
  coordinator_.grants = false;
  patience_ = milliseconds(500);
  const TimePoint begun = reactor_->now();
  wait({"w"}, true);
  reactor_->call_after(milliseconds(300), [this] {
    desk_->give_back(leases_[0]);
    wait();  // gets it
  });
  ASSERT_TRUE(until([&] { return !errors_.empty(); }));
  EXPECT_EQ(leases_.size(), 2U);
  EXPECT_GE(reactor_->now() - begun, milliseconds(800));
}

TEST_F(LeaseDeskTest, who_insists_is_given_what_he_excludes_when_there_is_no_other) {
  open();
  coordinator_.all_excluded = true;
  const TimePoint begun = reactor_->now();
  wait({"w"}, true);
  // Others like him are served all the while.
  const std::function<void()> serve_others = [&] {
    wait({}, true);
    reactor_->call_after(milliseconds(100), serve_others);
  };
  serve_others();
  const auto asked_for_any = [&] {
    return std::any_of(coordinator_.acquires.begin(), coordinator_.acquires.end(),
                       [](const auto& acquire) { return !acquire.excluded.empty(); }) &&
           desk_->waiting() == 0 && reactor_->now() >= begun + seconds(2);
  };
  ASSERT_TRUE(until(asked_for_any));
  EXPECT_TRUE(errors_.empty());
}

TEST_F(LeaseDeskTest, who_insists_alone_is_given_what_he_excludes_too) {
  open();
  coordinator_.all_excluded = true;
  wait({"w"}, true);
  ASSERT_TRUE(until([&] { return desk_->waiting() == 0; }));
  EXPECT_TRUE(errors_.empty());
}

TEST_F(LeaseDeskTest, who_waited_in_vain_is_told_why) {
  open();
  coordinator_.refusal = Errc::unavailable;
  patience_ = milliseconds(600);
  wait({}, true);
  ASSERT_TRUE(until([&] { return errors_.size() == 1; }));
  EXPECT_EQ(errors_[0].code, Errc::unavailable);
  EXPECT_EQ(errors_[0].message, "as the test says");
}

TEST_F(LeaseDeskTest, a_pool_without_nodes_ends_the_call_also_of_who_insists) {
  open();
  coordinator_.refusal = Errc::unsupported;
  wait({}, true);
  ASSERT_TRUE(until([&] { return errors_.size() == 1; }));
  EXPECT_EQ(errors_[0].code, Errc::unsupported);
}

TEST_F(LeaseDeskTest, PoolConformance_row_3_who_insists_is_patient_while_his_pool_warms) {
  open();
  coordinator_.grants = false;
  patience_ = milliseconds(400);
  const TimePoint begun = reactor_->now();
  wait({}, true);
  wait({"other"}, true);
  const std::function<void()> warm = [&] {
    coordinator_.keep_all();
    if (reactor_->now() < begun + seconds(2)) reactor_->call_after(milliseconds(100), warm);
  };
  warm();
  ASSERT_TRUE(until([&] { return errors_.size() == 2; })) << "once it warms no more";
  EXPECT_GE(reactor_->now() - begun, seconds(2));
  EXPECT_EQ(errors_[0].code, Errc::timed_out);
}

TEST_F(LeaseDeskTest, PoolConformance_row_3_who_insists_alone_and_excludes_is_as_patient) {
  open();
  coordinator_.grants = false;
  patience_ = milliseconds(400);
  const TimePoint begun = reactor_->now();
  wait({"other"}, true);
  const std::function<void()> warm = [&] {
    coordinator_.keep_all();
    if (reactor_->now() < begun + seconds(1)) reactor_->call_after(milliseconds(100), warm);
  };
  warm();
  ASSERT_TRUE(until([&] { return errors_.size() == 1; })) << "once it warms no more";
  EXPECT_GE(reactor_->now() - begun, seconds(1));
}

TEST_F(LeaseDeskTest, PoolConformance_row_3_who_may_go_local_does_not_wait_for_a_pool_to_warm) {
  open();
  coordinator_.grants = false;
  patience_ = milliseconds(400);
  wait();
  const std::function<void()> warm = [&] {
    coordinator_.keep_all();
    if (errors_.empty()) reactor_->call_after(milliseconds(100), warm);
  };
  warm();
  EXPECT_TRUE(until([&] { return errors_.size() == 1; }));
}

TEST_F(LeaseDeskTest, a_refusal_for_now_is_asked_again) {
  for (const auto code : {Errc::timed_out, Errc::resource_exhausted}) {
    open();
    coordinator_.refusal = code;
    wait();
    const std::size_t before = coordinator_.acquires.size();
    ASSERT_TRUE(until([&] { return coordinator_.acquires.size() > before; }));
    coordinator_.refusal.reset();
    ASSERT_TRUE(until([&] { return leases_.size() == 1; }));
    EXPECT_TRUE(errors_.empty());
    leases_.clear();
  }
}

TEST_F(LeaseDeskTest, a_request_that_nobody_waits_for_is_withdrawn) {
  open();
  coordinator_.grants = false;
  const auto ticket = wait();
  ASSERT_TRUE(until([&] { return coordinator_.acquires.size() == 1; }));
  desk_->forget(ticket);
  ASSERT_TRUE(until([&] { return coordinator_.cancelled.size() == 1; }));
  EXPECT_EQ(coordinator_.cancelled[0], coordinator_.acquires[0].request);
  EXPECT_TRUE(leases_.empty());
  EXPECT_TRUE(errors_.empty());
}

TEST_F(LeaseDeskTest, many_calls_make_few_requests) {
  open();
  coordinator_.grants = false;
  patience_ = std::chrono::hours(1);  // the calls below may take long to be made
  for (int i = 0; i < 300; ++i) {
    wait();
    int turns = 0;
    turn_until(*reactor_, [&] { return turns++ > 0; });
  }
  ASSERT_TRUE(until([&] { return coordinator_.acquires.size() == 64; }));
  coordinator_.grants = true;
  coordinator_.grant_all();
  EXPECT_TRUE(until([&] { return leases_.size() == 300; }));
  EXPECT_LT(coordinator_.acquires.size(), 80U);
}

}  // namespace
}  // namespace kiln::client
