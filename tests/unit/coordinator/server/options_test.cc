#include "coordinator/server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/server/farm_view.h"

namespace kiln::coordinator {
namespace {

using testing::HasSubstr;

Result<ServerOptions> with(const std::string& key, const std::string& value,
                           bool insecure = false) {
  auto settings = make_settings();
  settings.set_flag(key, {value});
  if (insecure) settings.set_flag("insecure", {"true"});
  return read_options(settings);
}

TEST(Options, defaults_are_the_documented_ones) {
  const auto options = read_options(make_settings());
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->client_endpoint, "tcp://127.0.0.1:10650");
  EXPECT_EQ(options->worker_endpoint, "tcp://127.0.0.1:10651");
  EXPECT_EQ(options->http_address, "127.0.0.1:10660");
}

TEST(Options, other_addresses_than_loopback_need_insecure) {
  for (const auto* key : {"client-endpoint", "worker-endpoint", "http"}) {
    const auto refused = with(key, "0.0.0.0:1234");
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().code, Errc::permission_denied);
    EXPECT_THAT(refused.error().message, HasSubstr(std::string("--") + key));
    EXPECT_THAT(refused.error().message, HasSubstr("--insecure"));
    EXPECT_TRUE(with(key, "0.0.0.0:1234", true)) << key;
  }
}

TEST(Options, wrong_values_name_the_flag) {
  EXPECT_THAT(with("log-format", "xml").error().message, HasSubstr("--log-format: \"xml\""));
  EXPECT_THAT(with("log-level", "loud").error().message, HasSubstr("--log-level: "));
  EXPECT_THAT(with("lease-lifetime", "0").error().message, HasSubstr("--lease-lifetime: "));
  EXPECT_THAT(with("lease-tasks", "0").error().message, HasSubstr("--lease-tasks: "));
  EXPECT_THAT(with("client-endpoint", "udp://x").error().message, HasSubstr("--client-endpoint: "));
  EXPECT_THAT(with("state-dir", "").error().message, HasSubstr("--state-dir: "));
}

TEST(FarmView, hostile_text_is_still_json) {
  NodeInfo info;
  info.name = "\xff\xfe\"";
  info.labels = {{"k", "v"}};
  NodeView view;
  view.info = std::make_shared<const NodeInfo>(info);
  view.occupancy = std::make_shared<const Occupancy>();
  const auto json = nodes_json(node_statuses({view}, TimePoint(seconds(1))));
  EXPECT_THAT(json, HasSubstr("\"silent_ms\": 1000"));
  EXPECT_THAT(json, HasSubstr("\"state\": \"ready\""));
}

}  // namespace
}  // namespace kiln::coordinator
