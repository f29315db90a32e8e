#include "client/cli/pool_words.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string_view>

#include <nlohmann/json.hpp>

#include "client/cli/warm_window.h"
#include "client/cli/word_reader.h"
#include "client/launcher/invocation.h"
#include "common/config/units.h"

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;

// On one node, and on all of them together.
constexpr std::uint64_t kMostExecutors = 4'096;
constexpr std::uint64_t kMostWarm = 1'000'000;
constexpr const char* kLimitExample = "write it as in time=10m,memory=2G,output=1G";

// A command as a shell would cut it, with quotes but nothing else: "python3 -c 'import os'".
Result<Words> split_command(const std::string& text) {
  Words words;
  std::string word;
  bool open = false;  // a word has begun, perhaps empty
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (open) words.push_back(std::move(word));
      word.clear();
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (quote != 0)
    return fail(Errc::invalid_argument, "\"" + text + "\" has a quote without its end");
  if (open) words.push_back(std::move(word));
  if (words.empty()) return fail(Errc::invalid_argument, "an empty command");
  return words;
}

Result<std::uint64_t> parse_milliseconds(const std::string& text) {
  KILN_TRY_ASSIGN(const auto duration, config::parse_duration(text));
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(duration).count());
}

Words parts_of(const std::string& text) {
  Words parts;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    parts.emplace_back(part);
  }
  return parts;
}

// One of "time=10m,memory=2G,output=1G".
Status add_limit(nlohmann::json& limits, const std::string& part) {
  const auto equals = part.find('=');
  const std::string key = part.substr(0, equals);
  if (key != "time" && key != "memory" && key != "output") {
    return fail(Errc::invalid_argument, "there is no limit \"" + key + "\"; " + kLimitExample);
  }
  const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
  if (value.empty()) {
    return fail(Errc::invalid_argument, "\"" + part + "\" says no " + key + "; " + kLimitExample);
  }
  if (key == "time") {
    KILN_TRY_ASSIGN(limits["wall_ms"], parse_milliseconds(value));
  } else {
    KILN_TRY_ASSIGN(limits[key + "_bytes"], config::parse_size(value));
  }
  return {};
}

// May be given again, for another of them.
Status set_limits(nlohmann::json& pool, const std::string& text) {
  const Words parts = parts_of(text);
  if (parts.empty())
    return fail(Errc::invalid_argument, std::string("no limit is named; ") + kLimitExample);
  for (const auto& part : parts) KILN_TRY(add_limit(pool["limits"], part));
  return {};
}

// An option's value into the pool's members.
using Setter = std::function<Status(nlohmann::json& pool, const std::string& value)>;

Setter number(const char* name, std::uint64_t most) {
  return [name, most](nlohmann::json& pool, const std::string& value) -> Status {
    KILN_TRY_ASSIGN(pool[name], config::parse_number(value, 0, most));
    return {};
  };
}

Setter duration(const char* name) {
  return [name](nlohmann::json& pool, const std::string& value) -> Status {
    KILN_TRY_ASSIGN(pool[name], parse_milliseconds(value));
    return {};
  };
}

Setter appended(const char* name) {
  return [name](nlohmann::json& pool, const std::string& value) -> Status {
    nlohmann::json& list = pool[name];
    if (std::find(list.begin(), list.end(), value) != list.end())
      return fail(Errc::invalid_argument, "\"" + value + "\" is named twice");
    list.push_back(value);
    return {};
  };
}

Status set_context(nlohmann::json& pool, const std::string& value) {
  if (value != "spawn" && value != "fork" && value != "forkserver") {
    return fail(Errc::invalid_argument,
                "\"" + value + "\" is no context; use spawn, fork or forkserver");
  }
  pool["context"] = value;
  return {};
}

Status set_warm(nlohmann::json& pool, const std::string& value) {
  pool["all"] = value == "all";
  if (value == "all") return {};
  KILN_TRY_ASSIGN(pool["warm"], config::parse_number(value, 1, kMostWarm));
  return {};
}

// As PeopleCommand::warm.
std::uint64_t executors_of(const nlohmann::json& pool) {
  return pool.value("all", false) ? 0 : pool.value("warm", std::uint64_t{0});
}

Status set_variable(nlohmann::json& pool, const std::string& value) {
  const auto equals = value.find('=');
  if (equals == 0 || equals == std::string::npos)
    return fail(Errc::invalid_argument, "\"" + value + "\" is not NAME=VALUE");
  pool["environment"][value.substr(0, equals)] = value.substr(equals + 1);
  return {};
}

const std::map<std::string, Setter>& creation_options() {
  static const std::map<std::string, Setter> kOptions = {
      {"--context", set_context},
      {"--init",
       [](nlohmann::json& pool, const std::string& value) -> Status {
         KILN_TRY_ASSIGN(auto words, split_command(value));
         pool["init"].push_back(std::move(words));
         return {};
       }},
      {"--probe",
       [](nlohmann::json& pool, const std::string& value) -> Status {
         KILN_TRY_ASSIGN(pool["probe"], split_command(value));
         return {};
       }},
      {"--window",
       [](nlohmann::json& pool, const std::string& value) -> Status {
         KILN_TRY_ASSIGN(auto window, warm_window_of(value));
         pool["windows"].push_back(std::move(window));
         return {};
       }},
      {"--limit", set_limits},
      {"--nodes",
       [](nlohmann::json& pool, const std::string& value) -> Status {
         if (value.empty()) {
           return fail(Errc::invalid_argument,
                       "--nodes '' selects no nodes; write --nodes zone=a,!spot, or leave it away "
                       "for all nodes");
         }
         pool["nodes"] = parts_of(value);
         return {};
       }},
      {"--init-timeout", duration("init_limit_ms")},
      {"--executors", number("executors", kMostExecutors)},
      {"--warm", set_warm},
      {"--min-warm", number("min_warm", kMostWarm)},
      {"--idle", duration("idle_ms")},
      {"--toolchain", appended("toolchains")},
      {"--keep", appended("keep_resident")},
      {"--env", set_variable},
  };
  return kOptions;
}

// What every one of these commands takes; true: it was one of them.
Result<bool> common_option(WordReader& reader, PeopleCommand& line) {
  const std::string option = reader.option();
  if (option == "--json") {
    reader.take();
    line.json = true;
    return true;
  }
  if (option != "--timeout") return false;
  KILN_TRY_ASSIGN(const auto text, reader.value());
  const auto parsed = config::parse_duration(text);
  if (!parsed) return fail(reader.wrong("--timeout: " + parsed.error().message));
  line.timeout = *parsed;
  return true;
}

// Into `pool` what the options say; words that are no options into `others`.
Status read_options(WordReader& reader, const std::vector<std::string>& allowed,
                    PeopleCommand& line, nlohmann::json& pool, Words& others) {
  while (!reader.done()) {
    const std::string option = reader.option();
    if (option.empty()) {
      others.push_back(reader.take());
      continue;
    }
    if (std::find(allowed.begin(), allowed.end(), option) == allowed.end())
      return fail(reader.unknown(allowed));
    KILN_TRY_ASSIGN(const bool known, common_option(reader, line));
    if (known) continue;
    KILN_TRY_ASSIGN(const auto value, reader.value());
    const auto set = creation_options().at(option)(pool, value);
    if (!set) return fail(reader.wrong(option + ": " + set.error().message));
  }
  return {};
}

Words creation_words() {
  Words names;
  for (const auto& [name, setter] : creation_options()) names.push_back(name);
  names.insert(names.end(), {"--timeout", "--json", "--help"});
  return names;
}

std::string toolchains_of(const nlohmann::json& pool) {
  std::string names;
  for (const auto& one : pool.value("toolchains", nlohmann::json::array()))
    names += (names.empty() ? "" : ", ") + one.get<std::string>();
  return names;
}

Result<PeopleCommand> parse_create(const Words& words) {
  PeopleCommand line;
  WordReader reader("kiln pool create", words, 2);
  nlohmann::json pool = nlohmann::json::object();
  Words names;
  KILN_TRY(read_options(reader, creation_words(), line, pool, names));
  if (names.size() != 1)
    return fail(reader.wrong("name one pool, as in kiln pool create cc --toolchain g++"));
  pool["name"] = names.front();
  if (pool.value("context", "") == "forkserver" && !pool.contains("toolchains")) {
    return fail(
        reader.wrong("--context forkserver holds the programs of toolchains before their main, and "
                     "none is named; add one, as --toolchain clang, or use --context spawn"));
  }
  line.waits = pool.contains("warm") || pool.value("all", false);
  line.warm = executors_of(pool);
  line.brings = toolchains_of(pool);
  line.arguments = {"create", pool.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
  return line;
}

struct Action {
  const char* name;
  std::size_t fewest;  // words after the pool's name
  std::size_t most;
  bool waits;
  const char* example;
};
constexpr std::array<Action, 6> kActions = {{
    {"show", 0, 0, false, "kiln pool show cc"},
    {"warm", 0, 1, true, "kiln pool warm cc 8, or kiln pool warm cc all"},
    {"quiesce", 0, 0, false, "kiln pool quiesce cc"},
    {"wake", 0, 0, true, "kiln pool wake cc"},
    {"resize", 1, 1, false, "kiln pool resize cc 8"},
    {"delete", 0, 0, false, "kiln pool delete cc"},
}};

// What `resize` and `warm` have after the pool's name; 0: all.
Result<std::uint64_t> count_of(const std::string& action, const std::string& word) {
  if (action == "warm" && word == "all") return std::uint64_t{0};
  const bool resizes = action == "resize";
  return config::parse_number(word, resizes ? 0 : 1, resizes ? kMostExecutors : kMostWarm);
}

Result<PeopleCommand> parse_action(const Action& action, const Words& words) {
  PeopleCommand line;
  WordReader reader(std::string("kiln pool ") + action.name, words, 2);
  nlohmann::json none = nlohmann::json::object();
  Words others;
  Words allowed = {"--json", "--help"};
  if (action.waits) allowed.emplace_back("--timeout");
  KILN_TRY(read_options(reader, allowed, line, none, others));
  if (others.empty() || others.size() - 1 < action.fewest || others.size() - 1 > action.most)
    return fail(reader.wrong(std::string("write it as in ") + action.example));
  if (others.size() > 1) {
    const auto counted = count_of(action.name, others[1]);
    if (!counted) return fail(reader.wrong(counted.error().message));
    line.warm = *counted;
  }
  line.waits = action.waits;
  line.arguments = {action.name};
  line.arguments.insert(line.arguments.end(), others.begin(), others.end());
  if (line.arguments.front() == "warm" && line.arguments.size() == 2)
    line.arguments.emplace_back("all");
  return line;
}

Result<PeopleCommand> parse_pool(const Words& words) {
  Words known = {"create"};
  for (const auto& action : kActions) known.emplace_back(action.name);
  if (words.size() < 2) {
    return fail(Errc::invalid_argument,
                "kiln pool: say what to do with a pool: create, show, warm, quiesce, wake, resize "
                "or delete");
  }
  if (words[1] == "create") return parse_create(words);
  for (const auto& action : kActions) {
    if (words[1] == action.name) return parse_action(action, words);
  }
  std::string text = "kiln pool: unknown action '" + words[1] + "'";
  if (const auto near = nearest_word(words[1], known); !near.empty())
    text += "; did you mean '" + near + "'?";
  return fail(Errc::invalid_argument, text + " (kiln pool --help lists them)");
}

// --compile-commands and --pool are its own; the rest are compilers.
Result<PeopleCommand> parse_warm(const Words& words) {
  PeopleCommand line;
  WordReader reader("kiln warm", words, 1);
  nlohmann::json pool = nlohmann::json::object();
  std::string database;
  while (!reader.done()) {
    const std::string option = reader.option();
    if (option.empty()) {
      pool["toolchains"].push_back(reader.take());
      continue;
    }
    KILN_TRY_ASSIGN(const bool known, common_option(reader, line));
    if (known) continue;
    if (option != "--compile-commands" && option != "--pool" && option != "--executors")
      return fail(
          reader.unknown({"--compile-commands", "--pool", "--executors", "--timeout", "--json"}));
    KILN_TRY_ASSIGN(const auto value, reader.value());
    if (option == "--compile-commands") database = value;
    if (option == "--pool") pool["name"] = value;
    if (option == "--executors") {
      const auto set = set_warm(pool, value);
      if (!set) return fail(reader.wrong(option + ": " + set.error().message));
    }
  }
  if (database.empty() && !pool.contains("toolchains")) {
    return fail(
        reader.wrong("name compilers or a compilation database, as in kiln warm g++, or kiln warm "
                     "--compile-commands build/compile_commands.json"));
  }
  line.waits = true;
  line.warm = executors_of(pool);
  line.brings = database.empty() ? toolchains_of(pool) : "what this build's calls need";
  line.arguments = {pool.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
  if (!database.empty()) line.arguments.push_back(database);
  return line;
}

// With the action of `kiln pool` as its only argument.
PeopleCommand help_about(const Words& words) {
  PeopleCommand line;
  line.name = words.front();
  if (line.name == "pool" && words.size() > 1 && !words[1].starts_with('-'))
    line.arguments.push_back(words[1]);
  return line;
}

Result<PeopleCommand> parse_pools(const Words& words) {
  PeopleCommand line;
  WordReader reader("kiln pools", words, 1);
  nlohmann::json none = nlohmann::json::object();
  Words others;
  KILN_TRY(read_options(reader, {"--json", "--help"}, line, none, others));
  if (!others.empty())
    return fail(reader.wrong("unexpected argument '" + others.front() +
                             "'; one pool is shown by kiln pool show " + others.front()));
  return line;
}

}  // namespace

Result<PeopleCommand> parse_pool_words(const Words& words) {
  if (asks_for_help(words)) return help_about(words);
  const std::string& first = words.front();
  auto line = first == "pools"  ? parse_pools(words)
              : first == "pool" ? parse_pool(words)
                                : parse_warm(words);
  if (!line) return line;
  line->kind = PeopleCommand::Kind::ask;
  line->name = first;
  return line;
}

}  // namespace kiln::client
