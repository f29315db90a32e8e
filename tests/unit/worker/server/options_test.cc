#include "worker/server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

Result<WorkerOptions> with_http(const std::string& address, bool insecure = false) {
  auto settings = worker_settings();
  settings.set_flag("http", {address});
  if (insecure) settings.set_flag("insecure", {"true"});
  return read_options(settings);
}

TEST(WorkerOptions, the_http_address_is_one_that_the_server_understands) {
  EXPECT_EQ(with_http("127.0.0.1:10661")->http, "127.0.0.1:10661");
  EXPECT_EQ(with_http("localhost:1234")->http, "127.0.0.1:1234");
  EXPECT_EQ(with_http("localhost")->http, "127.0.0.1:10661");
  EXPECT_EQ(with_http("[::1]:1234")->http, "[::1]:1234");
  EXPECT_EQ(with_http("*:1234", true)->http, "0.0.0.0:1234");
}

TEST(WorkerOptions, metrics_for_others_need_insecure) {
  for (const auto* address : {"*:1234", "0.0.0.0:1234", "example:1234"}) {
    const auto refused = with_http(address);
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().code, Errc::permission_denied);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("--http"));
  }
}

TEST(WorkerOptions, a_store_is_named_or_taken_from_a_pool_but_not_both) {
  auto settings = worker_settings();
  settings.set_flag("store-pool", {"/a/pool"});
  const auto pooled = read_options(settings);
  ASSERT_TRUE(pooled) << pooled.error().message;
  EXPECT_EQ(pooled->store_pool, "/a/pool");
  settings.set_flag("store", {"/a/store"});
  const auto both = read_options(settings);
  ASSERT_FALSE(both);
  EXPECT_THAT(both.error().message,
              testing::AllOf(testing::HasSubstr("--store-pool"), testing::HasSubstr("--store ")));
}

}  // namespace
}  // namespace kiln::worker
