#include "client/paths/environment.h"

#include <array>

namespace kiln::client {
namespace {

constexpr std::array<std::string_view, 4> kKept = {"HOME", "USER", "LOGNAME", "PATH"};

// Kiln's variables that speak of a machine or user, not of one call.
constexpr std::array<std::string_view, 12> kSettings = {
    "KILN_COORDINATOR",  "KILN_SOCKET",   "KILN_CACHE_DIR", "KILN_CONFIG",
    "KILN_LOG_LEVEL",    "KILN_LOG_FILE", "KILN_KEY_FILE",  "KILN_LOG_FORMAT",
    "KILN_IDLE_TIMEOUT", "KILN_SLOT_DIR", "KILN_ROUTE",     "KILN_METRICS"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  for (const std::string_view candidate : names) {
    if (candidate == name) return true;
  }
  return false;
}

}  // namespace

Environment read_environment(const char* const* entries) {
  Environment environment;
  for (; entries != nullptr && *entries != nullptr; ++entries) {
    const std::string_view entry(*entries);
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return environment;
}

std::optional<std::string_view> find_value(const Environment& environment, std::string_view name) {
  for (const auto& [candidate, value] : environment) {
    if (candidate == name) return value;
  }
  return std::nullopt;
}

std::string_view value_of(const Environment& environment, std::string_view name) {
  return find_value(environment, name).value_or(std::string_view());
}

bool is_switched_on(const Environment& environment, std::string_view name) {
  const std::string_view value = value_of(environment, name);
  return !value.empty() && value != "0";
}

bool is_task_of_kiln(const Environment& environment) {
  return is_switched_on(environment, "KILN_EXECUTOR");
}

bool is_switched_off(const Environment& environment, std::string_view name) {
  std::string word(value_of(environment, name));
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return word == "0" || word == "false" || word == "no" || word == "off";
}

Environment agent_environment(const Environment& caller) {
  Environment kept;
  for (const auto& [name, value] : caller) {
    const bool keep =
        contains(kKept, name) || contains(kSettings, name) || name.starts_with("XDG_");
    if (keep) kept.emplace_back(name, value);
  }
  return kept;
}

}  // namespace kiln::client
