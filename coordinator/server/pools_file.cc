#include "coordinator/server/pools_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <toml++/toml.h>

#include "common/base/files.h"
#include "common/config/units.h"

namespace kiln::coordinator {
namespace {

tl::unexpected<Error> wrong(const std::string& why) {
  return fail(Errc::invalid_argument, why);
}

// Reads one value into its place.
using Reader = std::function<Status(const toml::node&)>;
using Readers = std::map<std::string, Reader>;

Result<std::string> text_of(const toml::node& node) {
  const auto* text = node.as_string();
  if (text == nullptr) return wrong("it must be a string in quotes");
  return text->get();
}

Reader text(std::string& out) {
  return [&out](const toml::node& node) -> Status {
    KILN_TRY_ASSIGN(out, text_of(node));
    return {};
  };
}

// A string that `parse` understands.
template <typename Value, typename Parse>
Reader parsed(Value& out, Parse parse) {
  return [&out, parse](const toml::node& node) -> Status {
    KILN_TRY_ASSIGN(const auto word, text_of(node));
    KILN_TRY_ASSIGN(out, parse(word));
    return {};
  };
}

Reader number(std::uint32_t& out) {
  return [&out](const toml::node& node) -> Status {
    const auto* value = node.as_integer();
    if (value == nullptr || value->get() < 0 ||
        value->get() > std::int64_t{std::numeric_limits<std::uint32_t>::max()}) {
      return wrong("it must be a number from 0 on, without quotes");
    }
    out = static_cast<std::uint32_t>(value->get());
    return {};
  };
}

template <typename Item, typename ReaderOf>
Reader list(std::vector<Item>& out, ReaderOf reader_of) {
  return [&out, reader_of](const toml::node& node) -> Status {
    const auto* array = node.as_array();
    if (array == nullptr) return wrong("it must be a list");
    for (const auto& one : *array) KILN_TRY(reader_of(out.emplace_back())(one));
    return {};
  };
}

Reader texts(std::vector<std::string>& out) {
  return list(out, [](std::string& item) { return text(item); });
}

Status read_table(const toml::table& table, const Readers& readers) {
  for (const auto& entry : table) {
    const std::string key(entry.first.str());
    const auto found = readers.find(key);
    if (found == readers.end()) {
      std::string known;
      for (const auto& reader : readers) known += (known.empty() ? "" : ", ") + reader.first;
      return wrong("there is no key \"" + key + "\"; the keys are " + known);
    }
    if (const auto read = found->second(entry.second); !read) {
      return fail(read.error().within(key));
    }
  }
  return {};
}

Reader table(std::function<Readers()> readers_of) {
  return [readers = std::move(readers_of)](const toml::node& node) -> Status {
    const auto* given = node.as_table();
    if (given == nullptr) return wrong("it must be a table in braces");
    return read_table(*given, readers());
  };
}

Reader variables(std::vector<std::pair<std::string, std::string>>& out) {
  return [&out](const toml::node& node) -> Status {
    const auto* given = node.as_table();
    if (given == nullptr) return wrong("it must be a table in braces");
    for (const auto& entry : *given) {
      KILN_TRY_ASSIGN(auto value, text_of(entry.second));
      out.emplace_back(std::string(entry.first.str()), std::move(value));
    }
    return {};
  };
}

Result<std::uint64_t> parse_ms(const std::string& word) {
  KILN_TRY_ASSIGN(const auto duration, config::parse_duration(word));
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(duration).count());
}

Result<PoolContext> parse_context(const std::string& word) {
  for (const auto one : {PoolContext::spawn, PoolContext::fork, PoolContext::forkserver}) {
    if (word == name(one)) return one;
  }
  return wrong("\"" + word + "\" is no context; there are spawn, fork and forkserver");
}

Reader window(WarmWindow& out) {
  return table([&out]() -> Readers {
    return {{"days", parsed(out.days, parse_days)},
            {"from", parsed(out.from_minute, parse_time_of_day)},
            {"to", parsed(out.to_minute, parse_time_of_day)},
            {"ready", number(out.ready)}};
  });
}

Reader toolchain(PoolToolchain& out) {
  return table([&out]() -> Readers {
    return {
        {"name", text(out.name)},
        {"program", text(out.program)},
        {"architecture", text(out.architecture)},
        {"digest", parsed(out.digest, [](const std::string& hex) { return parse_digest(hex); })}};
  });
}

Reader limits(Limits& out) {
  const auto size = [](const std::string& word) { return config::parse_size(word); };
  return table([&out, size]() -> Readers {
    return {{"time", parsed(out.wall_ms, parse_ms)},
            {"memory", parsed(out.memory_bytes, size)},
            {"output", parsed(out.output_bytes, size)}};
  });
}

Readers readers_of(PoolSpec& spec) {
  return {
      {"name", text(spec.name)},
      {"context", parsed(spec.context, parse_context)},
      {"init", list(spec.init, [](std::vector<std::string>& step) { return texts(step); })},
      {"init_limit", parsed(spec.init_limit_ms, parse_ms)},
      {"keep_resident", texts(spec.keep_resident)},
      {"toolchains", list(spec.toolchains, [](PoolToolchain& one) { return toolchain(one); })},
      {"executors", number(spec.executors)},
      {"nodes", texts(spec.nodes)},
      {"min_warm", number(spec.min_warm)},
      {"windows", list(spec.windows, [](WarmWindow& one) { return window(one); })},
      {"idle", parsed(spec.idle_ms, parse_ms)},
      {"limits", limits(spec.limits)},
      {"environment", variables(spec.environment)},
      {"probe", texts(spec.probe)},
  };
}

Result<toml::table> parsed_file(const std::filesystem::path& path) {
  KILN_TRY_ASSIGN(const auto content, read_file(path));
  try {
    return toml::table(toml::parse(content, path.string()));
  } catch (const toml::parse_error& problem) {
    return wrong(path.string() + ":" + std::to_string(problem.source().begin.line) + ": " +
                 std::string(problem.description()));
  }
}

}  // namespace

Result<std::uint8_t> parse_days(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kNames = {"mon", "tue", "wed", "thu",
                                                             "fri", "sat", "sun"};
  const auto bad = [&] {
    return wrong("\"" + std::string(text) + "\" names no days; write mon-fri, sat,sun or daily");
  };
  if (text == "daily") return std::uint8_t{0x7f};
  const auto day_of = [](std::string_view word) {
    return static_cast<unsigned>(std::find(kNames.begin(), kNames.end(), word) - kNames.begin());
  };
  unsigned bits = 0;
  for (auto rest = text; !rest.empty() || bits == 0;) {
    const auto comma = rest.find(',');
    const auto part = rest.substr(0, comma);
    const auto hyphen = part.find('-');
    const auto first = day_of(part.substr(0, hyphen));
    const auto last = hyphen == std::string_view::npos ? first : day_of(part.substr(hyphen + 1));
    if (first >= kNames.size() || last >= kNames.size()) return bad();
    for (auto day = first; day != last; day = (day + 1) % 7) bits |= 1U << day;
    bits |= 1U << last;
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
    if (rest.empty()) return bad();
  }
  return static_cast<std::uint8_t>(bits);
}

Result<std::uint32_t> parse_time_of_day(std::string_view text) {
  const auto colon = text.find(':');
  if (colon != std::string_view::npos && text.size() == colon + 3) {
    const auto hours = config::parse_number(text.substr(0, colon), 0, 23);
    const auto minutes = config::parse_number(text.substr(colon + 1), 0, 59);
    if (hours && minutes) return static_cast<std::uint32_t>(*hours * 60 + *minutes);
  }
  return wrong("\"" + std::string(text) + "\" is no time of the day from 0:00 to 23:59");
}

Result<std::vector<PoolSpec>> read_pools_file(const std::filesystem::path& path) {
  KILN_TRY_ASSIGN(const auto root, parsed_file(path));
  std::vector<PoolSpec> specs;
  std::set<std::string> names;
  for (const auto& entry : root) {
    const auto* pools = entry.second.as_array();
    if (entry.first.str() != "pool" || pools == nullptr) {
      return wrong(path.string() + ": \"" + std::string(entry.first.str()) +
                   "\" is no pool; each begins with [[pool]]");
    }
    for (const auto& pool : *pools) {
      const auto* given = pool.as_table();
      const auto line = path.string() + ":" + std::to_string(pool.source().begin.line);
      if (given == nullptr) return wrong(line + ": a pool must be a table");
      const auto called = (*given)["name"].value<std::string>().value_or("");
      const auto where = line + ": pool \"" + called + "\"";
      auto& spec = specs.emplace_back();
      if (const auto read = read_table(*given, readers_of(spec)); !read) {
        return fail(read.error().within(where));
      }
      if (!names.insert(spec.name).second) return wrong(where + ": it is there twice");
    }
  }
  return specs;
}

}  // namespace kiln::coordinator
