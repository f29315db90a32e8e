#include "client/agent/settings.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include <unistd.h>

#include "client/agent/log_parts.h"
#include "client/paths/paths.h"
#include "client/slots/local_slots.h"
#include "common/config/log_settings.h"
#include "common/model/pool_name.h"

namespace kiln::client {
namespace {

using config::SettingKind;

config::Settings known_settings() {
  return config::Settings(
      "client",
      {
          {"coordinator",
           "KILN_COORDINATOR",
           {"127.0.0.1:10650"},
           "HOST[:10650] of the coordinators, separated by commas",
           SettingKind::list},
          {"mode", "KILN_MODE", {"files"}, "files or local"},
          {"route",
           "KILN_ROUTE",
           {"auto"},
           "direct: to workers; relay: through the coordinator; auto: what comes about"},
          {"pool", "KILN_POOL", {"default"}, "the pool that runs the tasks"},
          {"priority", "KILN_PRIORITY", {"0"}, "higher goes first"},
          {"build", "KILN_BUILD", {""}, "name of this build; fair shares are between builds"},
          {"fallback",
           "KILN_FALLBACK",
           {"1"},
           "0: a job that cannot run remotely fails",
           SettingKind::boolean},
          {"key-file",
           "KILN_KEY_FILE",
           {""},
           "this client's key file; default: key.toml beside the settings, if it is there"},
          {"cache-dir", "KILN_CACHE_DIR", {""}, "directory of what the agent remembers"},
          {"idle-timeout",
           "KILN_IDLE_TIMEOUT",
           {"15m"},
           "the agent ends after this without a call; 0: never"},
          {"metrics",
           "KILN_METRICS",
           {""},
           "HOST[:10662] where the agent serves its metrics; empty: nowhere"},
          {"log-level", "KILN_LOG_LEVEL", {"info"}, config::kLogLevelHelp},
          {"log-file", "KILN_LOG_FILE", {""}, "the agent's log; default: agent.log in cache-dir"},
          {"log-format", "KILN_LOG_FORMAT", {"text"}, config::kLogFormatHelp},
      });
}

constexpr std::string_view kKeyFile = "key.toml";
constexpr std::string_view kSystemDirectory = "/etc/kiln";

std::filesystem::path users_directory(const Environment& environment) {
  std::filesystem::path home(value_of(environment, "XDG_CONFIG_HOME"));
  if (home.empty()) home = std::filesystem::path(value_of(environment, "HOME")) / ".config";
  return home / "kiln";
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(directory, code)) {
    if (entry.path().extension() == ".toml" && entry.path().filename() != kKeyFile)
      found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Fixed while the agent lives; all others are each call's.
bool is_agents_own(const std::string& key) {
  constexpr std::array<std::string_view, 9> kOwn = {"coordinator", "route",        "key-file",
                                                    "cache-dir",   "idle-timeout", "log-level",
                                                    "log-file",    "log-format",   "metrics"};
  return std::find(kOwn.begin(), kOwn.end(), key) != kOwn.end();
}

constexpr std::uint16_t kClientPort = 10650;
constexpr std::uint16_t kMetricsPort = 10662;

// As they are called, whatever the spelling; one that cannot be read as it stands.
std::vector<std::string> endpoints_in(const config::Settings& settings) {
  std::vector<std::string> endpoints;
  for (const auto& text : settings.list("coordinator")) {
    const auto endpoint = net::parse_endpoint(text, kClientPort);
    endpoints.push_back(endpoint ? endpoint->text() : text);
  }
  return endpoints;
}

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : ",") + value;
  return text;
}

// What only the launcher reads, or is asked for before there are any settings.
ShownSetting shown_variable(const Environment& caller, const std::string& name,
                            const std::string& variable) {
  const std::string value(value_of(caller, variable));
  return {name, value, value.empty() ? "default" : variable};
}

config::Environment lookup_in(const Environment& environment) {
  return [&environment](const std::string& name) -> std::optional<std::string> {
    const auto value = find_value(environment, name);
    if (!value) return std::nullopt;
    return std::string(*value);
  };
}

}  // namespace

Result<config::Settings> load_client_settings(const Environment& environment) {
  auto settings = known_settings();
  std::vector<std::filesystem::path> files = files_in(kSystemDirectory);
  for (const auto& file : files_in(users_directory(environment))) files.push_back(file);
  if (const auto extra = value_of(environment, "KILN_CONFIG"); !extra.empty())
    files.emplace_back(extra);
  for (const auto& file : files) KILN_TRY(settings.load_file(file));
  KILN_TRY(settings.load_environment(lookup_in(environment)));
  return settings;
}

namespace {

// The user's own is taken before the machine's, which he may not be able to read.
std::filesystem::path key_path(const config::Settings& settings, const Environment& environment) {
  if (settings.given("key-file")) return settings.text("key-file");
  for (const auto& directory :
       {users_directory(environment), std::filesystem::path(kSystemDirectory)}) {
    std::error_code code;
    if (std::filesystem::exists(directory / kKeyFile, code)) return directory / kKeyFile;
  }
  return {};
}

Status read_key(const config::Settings& settings, const Environment& environment,
                AgentSettings& result) {
  result.key_path = key_path(settings, environment).string();
  if (result.key_path.empty()) return {};
  auto file = auth::read_key_file(result.key_path);
  if (!file) return fail(settings.error("key-file", file.error()));
  const auto refuse = [&](const std::string& why) {
    return fail(
        settings.error("key-file", Error{Errc::invalid_argument, result.key_path + ": " + why}));
  };
  if (file->role != KeyRole::client && file->role != KeyRole::admin) {
    return refuse("it is the key of a " + std::string(role_name(file->role)) +
                  "; a client needs one of its own role: kiln keys new NAME --role client");
  }
  if (file->coordinators.empty()) {
    return refuse("it names no coordinator's public key; add it with kiln keys trust");
  }
  result.key = std::move(*file);
  return {};
}

Result<Route> route_in(const config::Settings& settings) {
  const std::string& route = settings.text("route");
  if (route == "direct") return Route::direct;
  if (route == "relay") return Route::relay;
  if (route == "auto") return Route::automatic;
  return fail(settings.error("route",
                             Error{Errc::invalid_argument,
                                   "\"" + route + "\" is not a route; use auto, direct or relay"}));
}

// As daemons have it for --http.
Status read_metrics(const config::Settings& settings, AgentSettings& result) {
  const std::string& text = settings.text("metrics");
  if (text.empty()) return {};
  const auto address = net::parse_endpoint(text, kMetricsPort);
  if (!address) return fail(settings.error("metrics", address.error()));
  if (!net::is_loopback(*address) && !result.key) {
    return fail(settings.error(
        "metrics",
        Error{Errc::permission_denied,
              "\"" + text +
                  "\" can be reached from other machines, and this client has no key; serve "
                  "metrics on 127.0.0.1, or give it a key with KILN_KEY_FILE"}));
  }
  result.metrics = net::numeric_address(*address);
  return {};
}

}  // namespace

Result<AgentSettings> agent_settings(const config::Settings& settings,
                                     const Environment& environment) {
  AgentSettings result;
  for (const auto& text : settings.list("coordinator")) {
    auto endpoint = net::parse_endpoint(text, kClientPort);
    if (!endpoint) return fail(settings.error("coordinator", endpoint.error()));
    result.coordinators.push_back(*endpoint);
  }
  KILN_TRY_ASSIGN(result.route, route_in(settings));
  if (settings.given("cache-dir")) {
    result.cache = settings.text("cache-dir");
  } else {
    KILN_TRY_ASSIGN(result.cache, cache_directory(environment, ::getuid()));
  }
  KILN_TRY(read_key(settings, environment, result));
  KILN_TRY(read_metrics(settings, result));
  KILN_TRY_ASSIGN(result.idle_timeout, settings.duration("idle-timeout"));
  KILN_TRY_ASSIGN(result.log, config::read_log_options(settings, log_parts()));
  if (result.log.file.empty()) result.log.file = (result.cache / "agent.log").string();
  return result;
}

Result<CallSettings> call_settings(const config::Settings& base, const Environment& call) {
  config::Settings settings = base;
  KILN_TRY(settings.load_environment(lookup_in(call)));
  CallSettings result;
  const std::string& mode = settings.text("mode");
  if (mode == "local") {
    result.mode = CallMode::local;
  } else if (mode != "files" && mode != "direct") {
    return fail(settings.error(
        "mode",
        Error{Errc::invalid_argument, "\"" + mode + "\" is not a mode; use files or local"}));
  }
  KILN_TRY(route_in(settings));  // the agent's own, but who asks for what cannot be is told
  KILN_TRY_ASSIGN(result.fallback, settings.boolean("fallback"));
  result.pool = settings.text("pool");
  if (!is_pool_name(result.pool)) {
    return fail(settings.error(
        "pool", Error{Errc::invalid_argument,
                      "\"" + result.pool + "\" cannot be a pool's name; kiln pools lists them"}));
  }
  KILN_TRY_ASSIGN(const auto priority, settings.number("priority", 0, 1000));
  result.priority = static_cast<std::int32_t>(priority);
  result.build = settings.text("build");
  return result;
}

SettingFacts setting_facts(const config::Settings& base, const Environment& caller) {
  SettingFacts facts;
  facts.disabled = is_switched_on(caller, "KILN_DISABLE");
  if (const auto settings = call_settings(base, caller)) {
    facts.local = settings->mode == CallMode::local;
  } else {
    facts.problem = settings.error().message;
  }
  config::Settings called = base;
  if (!called.load_environment(lookup_in(caller))) return facts;
  facts.other_coordinator = endpoints_in(called) != endpoints_in(base);
  return facts;
}

std::string why_none_travels(const SettingFacts& facts) {
  if (!facts.problem.empty()) return facts.problem;
  if (facts.disabled) return "KILN_DISABLE is set: every call runs the compiler here";
  return facts.local ? "the mode is local: every call runs here" : "";
}

Result<std::vector<ShownSetting>> shown_settings(const config::Settings& base,
                                                 const Environment& caller,
                                                 const std::string& socket,
                                                 const std::string& cache) {
  config::Settings called = base;
  KILN_TRY(called.load_environment(lookup_in(caller)));
  std::vector<ShownSetting> shown;
  for (const auto& setting : base.all()) {
    const auto& key = setting.spec.key;
    const auto& callers = called.at(key);
    const bool own = is_agents_own(key);
    const auto& used = own ? setting : callers;
    ShownSetting line{key, joined(used.values), used.origin};
    if (key == "cache-dir") line.value = cache;
    if (own && callers.values != setting.values) line.pending = joined(callers.values);
    shown.push_back(std::move(line));
  }
  auto place = shown_variable(caller, "socket", "KILN_SOCKET");
  place.value = socket;
  shown.push_back(std::move(place));
  shown.push_back(shown_variable(caller, "disable", "KILN_DISABLE"));
  shown.push_back(shown_variable(caller, "config", "KILN_CONFIG"));
  auto slots = shown_variable(caller, "slot-dir", "KILN_SLOT_DIR");
  slots.value = slot_options(caller, ::geteuid()).directory;
  shown.push_back(std::move(slots));
  return shown;
}

}  // namespace kiln::client
