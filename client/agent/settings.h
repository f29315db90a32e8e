// What an agent and each call are told: flags are not involved, only environment and files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/paths/environment.h"
#include "common/auth/key_file.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/config/settings.h"
#include "common/net/endpoint.h"

namespace kiln::client {

// How workers are reached. automatic: directly where that comes about, else through a coordinator.
enum class Route : std::uint8_t { direct, relay, automatic };

// Fixed while the agent lives.
struct AgentSettings {
  std::vector<net::Endpoint> coordinators;
  Route route = Route::automatic;
  std::filesystem::path cache;
  Duration idle_timeout{};  // without a call until the agent ends; 0: never
  LogOptions log;
  std::string metrics;               // address of the agent's own; empty: they are not served
  std::string key_path;              // of `key`; empty: there is none
  std::optional<auth::KeyFile> key;  // nothing: connections are in the clear
};

enum class CallMode : std::uint8_t { files, local };

// What the environment of one call says, over what the agent started with.
struct CallSettings {
  CallMode mode = CallMode::files;
  bool fallback = true;
  std::string pool;
  std::int32_t priority = 0;
  std::string build;  // empty: the agent's own
  // Of calls without fallback, 0: the usual one. How long they wait while none like them gets a
  // slot, and how long without a coordinator or a node that fits.
  Duration patience{};
  Duration farm_patience{};
};

// The settings that clients know, with the values of the files (/etc/kiln/*.toml, the user's, then
// $KILN_CONFIG) and of `environment`.
Result<config::Settings> load_client_settings(const Environment& environment);

Result<AgentSettings> agent_settings(const config::Settings& settings,
                                     const Environment& environment);
Result<CallSettings> call_settings(const config::Settings& base, const Environment& call);

// What a caller's settings mean for its calls.
struct SettingFacts {
  std::string problem;             // that a setting has; empty: all can be used
  bool disabled = false;           // KILN_DISABLE
  bool local = false;              // KILN_MODE=local
  bool other_coordinator = false;  // KILN_COORDINATOR names others than the agent was started with
};
SettingFacts setting_facts(const config::Settings& base, const Environment& caller);
// Why no call of theirs runs remotely, for people; empty if calls may.
std::string why_none_travels(const SettingFacts& facts);

// A line of `kiln config`.
struct ShownSetting {
  std::string name;
  std::string value;
  std::string source;
  std::string pending =
      {};  // the caller's, where it says otherwise than the agent was started with
};

// Every setting as a call in `caller`'s environment meets it: what speaks of one call as the caller
// has it, the agent's own as it was started with (`base`). `socket` is the agent's, `cache` its
// directory. Errors name a variable that cannot be read.
Result<std::vector<ShownSetting>> shown_settings(const config::Settings& base,
                                                 const Environment& caller,
                                                 const std::string& socket,
                                                 const std::string& cache);

}  // namespace kiln::client
