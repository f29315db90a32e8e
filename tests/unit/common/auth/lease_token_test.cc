#include "common/auth/lease_token.h"

#include <functional>
#include <vector>

#include <gtest/gtest.h>

namespace kiln::auth {
namespace {

Lease example() {
  return Lease{{7, 9}, "node-a", 11, 32, 60'000, false, "", "default"};
}

TEST(LeaseToken, what_was_signed_verifies) {
  const auto secret = make_lease_secret();
  ASSERT_TRUE(secret);
  auto lease = example();
  lease.token = sign_lease(lease, *secret);
  EXPECT_TRUE(verify_lease(lease, *secret));
}

TEST(LeaseToken, any_changed_field_is_found) {
  const std::string secret = "secret";
  const std::vector<std::function<void(Lease&)>> changes = {
      [](Lease& lease) { ++lease.id.coordinator_epoch; },
      [](Lease& lease) { ++lease.id.number; },
      [](Lease& lease) { lease.worker = "node-b"; },
      [](Lease& lease) { ++lease.worker_epoch; },
      [](Lease& lease) { ++lease.tasks; },
      [](Lease& lease) { ++lease.lifetime_ms; },
      [](Lease& lease) { lease.staging = true; },
      [](Lease& lease) { lease.token.front() = static_cast<char>(lease.token.front() ^ 1); },
      [](Lease& lease) { lease.token.pop_back(); },
      [](Lease& lease) { lease.token.clear(); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto lease = example();
    lease.token = sign_lease(lease, secret);
    changes[i](lease);
    EXPECT_FALSE(verify_lease(lease, secret)) << "change " << i;
  }
}

TEST(LeaseToken, another_or_no_secret_verifies_nothing) {
  auto lease = example();
  lease.token = sign_lease(lease, "one");
  EXPECT_FALSE(verify_lease(lease, "two"));
  EXPECT_FALSE(verify_lease(lease, ""));
}

TEST(LeaseToken, secrets_are_fresh) {
  EXPECT_NE(*make_lease_secret(), *make_lease_secret());
}

}  // namespace
}  // namespace kiln::auth
