#include "client/cli/log_words.h"

#include <chrono>

#include "client/cli/word_reader.h"
#include "common/config/units.h"

namespace kiln::client {
namespace {

constexpr Duration kLeastTime = seconds(1);
constexpr Duration kMostTime = std::chrono::hours(24 * 365);

// Milliseconds, as a number.
Result<std::string> read_time(WordReader& reader) {
  KILN_TRY_ASSIGN(const std::string text, reader.value());
  const auto time = config::parse_duration(text);
  if (!time) return fail(reader.wrong("--for: " + time.error().message));
  if (*time < kLeastTime || *time > kMostTime)
    return fail(reader.wrong("--for " + text + ": give a time from 1s to a year"));
  return std::to_string(std::chrono::duration_cast<milliseconds>(*time).count());
}

}  // namespace

Result<PeopleCommand> parse_log_words(const std::vector<std::string>& words) {
  PeopleCommand line;
  line.name = words.front();
  if (asks_for_help(words)) return line;
  line.kind = PeopleCommand::Kind::ask;
  WordReader reader("kiln log", words, 1);
  std::string lasts = "0";
  std::string levels;
  while (!reader.done()) {
    const std::string option = reader.option();
    if (option == "--json") {
      line.json = true;
      reader.take();
    } else if (option == "--for") {
      KILN_TRY_ASSIGN(lasts, read_time(reader));
    } else if (!option.empty()) {
      return fail(reader.unknown({"--for", "--json", "--help"}));
    } else if (line.arguments.empty()) {
      line.arguments.push_back(reader.take());
    } else {
      if (!levels.empty()) levels += ',';
      levels += reader.take();
    }
  }
  if (levels.empty() && lasts != "0") {
    return fail(
        reader.wrong("--for needs levels to change, as in kiln log build7 tasks=debug --for 10m"));
  }
  if (!levels.empty()) line.arguments.insert(line.arguments.end(), {levels, lasts});
  return line;
}

std::string_view log_help() {
  return R"(Shows how much a process of the farm writes into its log, part by part, and
changes it at once. A change lasts until that process ends.

usage: kiln log [TARGET] [--json]
       kiln log TARGET LEVEL|PART=LEVEL... [--for TIME] [--json]

  TARGET              coordinator, agent, or a node's name; without one the
                      agent and the coordinator
  LEVEL               debug, info, warning, error or off; for all parts that
                      are not named beside it
  PART=LEVEL          for one part
  --for TIME          afterwards the level is again what it was

  kiln log build7
  kiln log build7 tasks=debug staging=debug --for 10m
  kiln log coordinator warning

Where the farm has keys, changing a node's or the coordinator's levels takes
the key of an administrator.
)";
}

}  // namespace kiln::client
