#include "client/agent/settings.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "common/base/files.h"
#include "tests/unit/client/temporary_directory.h"

namespace kiln::client {
namespace {

using testing::HasSubstr;

class SettingsTest : public testing::Test {
 protected:
  // As an agent in a home of its own reads them.
  config::Settings started_with(Environment environment) {
    environment.emplace_back("XDG_CONFIG_HOME", directory_.path());
    auto settings = load_client_settings(environment);
    EXPECT_TRUE(settings) << settings.error().message;
    return *settings;
  }
  static ShownSetting find(const std::vector<ShownSetting>& shown, const std::string& name) {
    const auto found = std::find_if(shown.begin(), shown.end(),
                                    [&](const ShownSetting& one) { return one.name == name; });
    EXPECT_NE(found, shown.end()) << name;
    return found == shown.end() ? ShownSetting{} : *found;
  }

  const TemporaryDirectory directory_;
};

TEST_F(SettingsTest, a_call_sees_its_own_environment) {
  const auto agent = started_with({});
  const auto shown =
      *shown_settings(agent, {{"KILN_FALLBACK", "0"}, {"KILN_MODE", "local"}}, "/s", "/c");
  EXPECT_EQ(find(shown, "fallback").value, "0");
  EXPECT_EQ(find(shown, "fallback").source, "KILN_FALLBACK");
  EXPECT_EQ(find(shown, "mode").value, "local");
  EXPECT_EQ(find(shown, "pool").source, "default");
  EXPECT_EQ(find(shown, "route").value, "auto");
}

TEST_F(SettingsTest, what_the_agent_keeps_is_shown_as_it_is_in_use) {
  const auto agent = started_with({{"KILN_COORDINATOR", "one"}});
  const auto same = *shown_settings(agent, {{"KILN_COORDINATOR", "one"}}, "/s", "/c");
  EXPECT_EQ(find(same, "coordinator").source, "KILN_COORDINATOR");
  const auto other = *shown_settings(agent, {{"KILN_COORDINATOR", "two"}}, "/s", "/c");
  EXPECT_EQ(find(other, "coordinator").value, "one");
  EXPECT_EQ(find(other, "coordinator").pending, "two");
  EXPECT_EQ(find(same, "coordinator").pending, "");
  EXPECT_EQ(find(same, "cache-dir").value, "/c");
}

TEST_F(SettingsTest, what_only_the_launcher_reads_is_shown_too) {
  const auto agent = started_with({});
  const auto shown =
      *shown_settings(agent, {{"KILN_SOCKET", "/s"}, {"KILN_DISABLE", "1"}}, "/s", "/c");
  EXPECT_EQ(find(shown, "socket").value, "/s");
  EXPECT_EQ(find(shown, "socket").source, "KILN_SOCKET");
  EXPECT_EQ(find(shown, "disable").value, "1");
  EXPECT_EQ(find(shown, "config").source, "default");
}

TEST_F(SettingsTest, what_keeps_calls_here_or_was_changed_since_the_agents_start) {
  const auto agent = started_with({{"KILN_COORDINATOR", "one"}});
  const auto why = [&](const Environment& caller) {
    return why_none_travels(setting_facts(agent, caller));
  };
  EXPECT_EQ(why({{"KILN_COORDINATOR", "two"}}), "");
  EXPECT_TRUE(setting_facts(agent, {{"KILN_COORDINATOR", "two"}}).other_coordinator);
  for (const char* same : {"one", "one:10650", "tcp://one:10650"})
    EXPECT_FALSE(setting_facts(agent, {{"KILN_COORDINATOR", same}}).other_coordinator) << same;
  EXPECT_THAT(why({{"KILN_DISABLE", "1"}}), HasSubstr("KILN_DISABLE is set"));
  EXPECT_THAT(why({{"KILN_MODE", "local"}}), HasSubstr("the mode is local"));
  EXPECT_THAT(why({{"KILN_POOL", "no pool"}}), HasSubstr("KILN_POOL"));
  EXPECT_EQ(why({{"KILN_POOL", "gpu-2.b_c"}}), "");
}

TEST_F(SettingsTest, a_value_that_cannot_be_read_is_named) {
  const auto shown = shown_settings(started_with({}), {{"KILN_FALLBACK", "perhaps"}}, "/s", "/c");
  ASSERT_FALSE(shown);
  EXPECT_THAT(shown.error().message, HasSubstr("KILN_FALLBACK"));
}

TEST_F(SettingsTest, the_route_is_the_agents_and_one_that_does_not_exist_fails_a_call) {
  const std::pair<const char*, Route> routes[] = {
      {"direct", Route::direct}, {"relay", Route::relay}, {"auto", Route::automatic}};
  for (const auto& [text, route] : routes) {
    const Environment environment = {{"KILN_ROUTE", text}, {"KILN_CACHE_DIR", directory_ / "c"}};
    const auto options = agent_settings(started_with(environment), environment);
    ASSERT_TRUE(options) << text;
    EXPECT_EQ(options->route, route) << text;
  }
  const auto sideways = call_settings(started_with({}), {{"KILN_ROUTE", "sideways"}});
  ASSERT_FALSE(sideways);
  EXPECT_THAT(sideways.error().message, HasSubstr("KILN_ROUTE"));
  EXPECT_THAT(sideways.error().message, HasSubstr("use auto, direct or relay"));
}

TEST_F(SettingsTest, an_idle_timeout_may_be_plain_seconds) {
  const Environment environment = {{"KILN_IDLE_TIMEOUT", "900"},
                                   {"KILN_CACHE_DIR", directory_ / "cache"}};
  const auto options = agent_settings(started_with(environment), environment);
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->idle_timeout, seconds(900));
}

TEST_F(SettingsTest, metrics_are_served_nowhere_unless_asked_and_without_a_key_to_nobody_else) {
  const auto metrics_of = [this](const std::string& address) {
    const Environment environment = {{"KILN_METRICS", address},
                                     {"KILN_CACHE_DIR", directory_ / "cache"}};
    const auto options = agent_settings(started_with(environment), environment);
    return options ? options->metrics : options.error().message;
  };
  EXPECT_EQ(metrics_of(""), "");
  EXPECT_EQ(metrics_of("localhost"), "127.0.0.1:10662");
  EXPECT_EQ(metrics_of("127.0.0.1:99"), "127.0.0.1:99");
  EXPECT_EQ(metrics_of("[::1]:99"), "[::1]:99");
  EXPECT_THAT(metrics_of("0.0.0.0:99"), HasSubstr("can be reached from other machines"));
  EXPECT_THAT(metrics_of("127.0.0.1:port"), HasSubstr("KILN_METRICS"));
}

}  // namespace
}  // namespace kiln::client
