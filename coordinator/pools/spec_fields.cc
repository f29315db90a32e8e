// Definitions as text: for people who ask what differs, and for a total order of contents.
#include <algorithm>

#include "common/model/pool_options.h"
#include "coordinator/pools/pool_spec.h"

namespace kiln::coordinator {
namespace {

// Quoted, so that lists of other words never read alike.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

template <typename Items, typename Word>
std::string listed(const Items& items, Word&& word) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? ", " : "") + word(item);
  return out + "]";
}

std::string words(const std::vector<std::string>& items) {
  return listed(items, [](const std::string& item) { return quoted(item); });
}

std::string clock(std::uint32_t minute) {
  const auto rest = std::to_string(minute % 60);
  return std::to_string(minute / 60) + (rest.size() < 2 ? ":0" : ":") + rest;
}

std::string days(std::uint8_t bits) {
  static constexpr const char* kNames[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  std::string out;
  for (unsigned day = 0; day < 7; ++day) {
    if ((bits >> day & 1U) != 0) out += (out.empty() ? "" : ",") + std::string(kNames[day]);
  }
  return out;
}

std::string word(const WarmWindow& window) {
  return days(window.days) + " " + clock(window.from_minute) + "-" + clock(window.to_minute) + " " +
         std::to_string(window.ready) + " ready";
}

std::string word(const PoolToolchain& toolchain) {
  return quoted(toolchain.name) + " " + quoted(toolchain.program) + " " +
         quoted(toolchain.architecture) + " " + toolchain.digest.hex();
}

using OptionValues = std::vector<std::pair<std::string, std::string>>;

// Options that may be given again are one here, with all their values.
OptionValues by_option(const PoolSpec& spec) {
  OptionValues out;
  for (const auto& [option, value] : options_of(spec)) {
    const bool more = !out.empty() && out.back().first == option;
    if (more) out.back().second += " and " + value;
    if (!more) out.emplace_back(option, value);
  }
  return out;
}

std::string value_in(const OptionValues& values, const std::string& option) {
  for (const auto& [name, value] : values) {
    if (name == option) return value;
  }
  return "unset";
}

// Each once, those of `first` first.
std::vector<std::string> names_of(const OptionValues& first, const OptionValues& second) {
  std::vector<std::string> names;
  for (const auto* values : {&first, &second}) {
    for (const auto& value : *values) {
      if (std::find(names.begin(), names.end(), value.first) == names.end())
        names.push_back(value.first);
    }
  }
  return names;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> fields_of(const PoolSpec& spec) {
  const auto number = [](auto value) { return std::to_string(value); };
  return {
      {"name", spec.name},
      {"context", std::string(name(spec.context))},
      {"init", listed(spec.init, words)},
      {"init_limit_ms", number(spec.init_limit_ms)},
      {"keep_resident", words(spec.keep_resident)},
      {"toolchains", listed(spec.toolchains, [](const PoolToolchain& item) { return word(item); })},
      {"executors", number(spec.executors)},
      {"nodes", words(spec.nodes)},
      {"min_warm", number(spec.min_warm)},
      {"windows", listed(spec.windows, [](const WarmWindow& item) { return word(item); })},
      {"idle_ms", number(spec.idle_ms)},
      {"limits.wall_ms", number(spec.limits.wall_ms)},
      {"limits.memory_bytes", number(spec.limits.memory_bytes)},
      {"limits.output_bytes", number(spec.limits.output_bytes)},
      {"environment", listed(spec.environment,
                             [](const auto& variable) {
                               return quoted(variable.first) + "=" + quoted(variable.second);
                             })},
      {"probe", words(spec.probe)},
  };
}

std::size_t text_bytes(const PoolSpec& spec) {
  std::size_t bytes = 0;
  for (const auto& field : fields_of(spec)) bytes += field.second.size();
  return bytes;
}

std::string difference(const PoolSpec& there, const PoolSpec& asked) {
  const auto left = by_option(there);
  const auto right = by_option(asked);
  std::string out;
  const auto add = [&out](const std::string& what) { out += (out.empty() ? "" : "; ") + what; };
  for (const auto& option : names_of(left, right)) {
    const auto was = value_in(left, option);
    const auto wanted = value_in(right, option);
    if (was != wanted) add(option + " is " + was + ", not " + wanted);
  }
  for (std::size_t i = 0; i < std::min(there.toolchains.size(), asked.toolchains.size()); ++i) {
    const auto& was = there.toolchains[i];
    const auto& wanted = asked.toolchains[i];
    if (was != wanted && was.name == wanted.name) {
      add("--toolchain " + was.name + " is another program of that name there (" + was.program +
          " " + was.digest.short_hex() + ", not " + wanted.program + " " +
          wanted.digest.short_hex() + ")");
    }
  }
  return out;
}

}  // namespace kiln::coordinator
