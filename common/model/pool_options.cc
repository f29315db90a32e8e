#include "common/model/pool_options.h"

#include <array>
#include <string_view>

namespace kiln {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

std::string in_units(std::uint64_t number, std::uint64_t factor, std::string_view units) {
  std::string unit;
  for (const char larger : units) {
    if (number == 0 || number % factor != 0) break;
    number /= factor;
    unit = larger;
  }
  return std::to_string(number) + unit;
}

std::string size_text(std::uint64_t bytes) {
  return in_units(bytes, 1024, "KMGT");
}

// In quotes where it would be cut or read otherwise without.
std::string word_text(const std::string& word) {
  if (!word.empty() && word.find_first_of(" \t\n'\"") == std::string::npos) return word;
  if (word.find('"') == std::string::npos) return '"' + word + '"';
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\"'\"'") : std::string(1, c);
  return text + "'";
}

std::string command_text(const std::vector<std::string>& argv) {
  std::string text;
  for (const auto& word : argv) text += (text.empty() ? "" : " ") + word_text(word);
  return text;
}

std::string days_text(std::uint8_t bits) {
  static constexpr std::array<const char*, 7> kNames = {"mon", "tue", "wed", "thu",
                                                        "fri", "sat", "sun"};
  if (bits == 0x7f) return "daily";
  const auto is_set = [bits](std::size_t day) { return day < 7 && (bits >> day & 1U) != 0; };
  std::string text;
  for (std::size_t day = 0; day < kNames.size(); ++day) {
    if (!is_set(day)) continue;
    text += (text.empty() ? "" : ",") + std::string(kNames.at(day));
    const std::size_t first = day;
    while (is_set(day + 1)) ++day;
    if (day > first) text += "-" + std::string(kNames.at(day));
  }
  return text;
}

std::string clock_text(std::uint32_t minute) {
  const auto rest = std::to_string(minute % 60);
  return std::to_string(minute / 60) + (rest.size() < 2 ? ":0" : ":") + rest;
}

std::string window_text(const WarmWindow& window) {
  // One that ends with the day ends at the next one's begin.
  const std::uint32_t end = window.to_minute == 0 ? 24 * 60 : window.to_minute;
  return days_text(window.days) + " " + clock_text(window.from_minute) + "-" + clock_text(end) +
         " " + std::to_string(window.ready);
}

std::string limits_text(const Limits& limits) {
  std::string text;
  const auto add = [&text](const char* name, std::uint64_t limit, const std::string& shown) {
    if (limit != 0) text += (text.empty() ? "" : ",") + std::string(name) + "=" + shown;
  };
  add("time", limits.wall_ms, duration_text(limits.wall_ms));
  add("memory", limits.memory_bytes, size_text(limits.memory_bytes));
  add("output", limits.output_bytes, size_text(limits.output_bytes));
  return text;
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ",") + item;
  return text;
}

void add_initializer(const PoolSpec& spec, Options& options) {
  for (const auto& step : spec.init) options.emplace_back("--init", command_text(step));
  if (spec.init_limit_ms != PoolSpec().init_limit_ms)
    options.emplace_back("--init-timeout", duration_text(spec.init_limit_ms));
  if (!spec.probe.empty()) options.emplace_back("--probe", command_text(spec.probe));
  for (const auto& path : spec.keep_resident) options.emplace_back("--keep", path);
  for (const auto& [name, value] : spec.environment)
    options.emplace_back("--env", name + "=" + value);
}

}  // namespace

std::string duration_text(std::uint64_t milliseconds) {
  if (milliseconds % 1000 != 0) return std::to_string(milliseconds) + "ms";
  const auto text = in_units(milliseconds / 1000, 60, "mh");
  return text.find_first_of("mh") == std::string::npos ? text + "s" : text;
}

Options options_of(const PoolSpec& spec) {
  Options options = {{"--context", std::string(name(spec.context))}};
  const auto add = [&options](const char* name, const std::string& value, bool given) {
    if (given) options.emplace_back(name, value);
  };
  for (const auto& toolchain : spec.toolchains) add("--toolchain", toolchain.name, true);
  add_initializer(spec, options);
  add("--executors", std::to_string(spec.executors), spec.executors != 0);
  add("--nodes", joined(spec.nodes), !spec.nodes.empty());
  add("--min-warm", std::to_string(spec.min_warm), spec.min_warm != 0);
  for (const auto& window : spec.windows) add("--window", window_text(window), true);
  add("--idle", duration_text(spec.idle_ms), spec.idle_ms != 0);
  const auto limits = limits_text(spec.limits);
  add("--limit", limits, !limits.empty());
  return options;
}

}  // namespace kiln
