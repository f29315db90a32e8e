#include "client/cli/top_words.h"

#include "client/cli/word_reader.h"
#include "common/config/units.h"

namespace kiln::client {
namespace {

constexpr Duration kLeastInterval = milliseconds(100);
constexpr Duration kMostInterval = std::chrono::hours(1);

Result<Duration> read_interval(WordReader& reader) {
  KILN_TRY_ASSIGN(const std::string text, reader.value());
  auto interval = config::parse_duration(text);
  if (!interval) return fail(reader.wrong("--interval: " + interval.error().message));
  if (*interval >= kLeastInterval && *interval <= kMostInterval) return interval;
  return fail(reader.wrong("--interval " + text + ": give a time from 100ms to 1h"));
}

}  // namespace

Result<PeopleCommand> parse_top_words(const std::vector<std::string>& words) {
  PeopleCommand line;
  line.name = words.front();
  if (asks_for_help(words)) return line;
  line.kind = PeopleCommand::Kind::top;
  WordReader reader("kiln top", words, 1);
  while (!reader.done()) {
    const std::string option = reader.option();
    if (option == "--interval") {
      KILN_TRY_ASSIGN(line.interval, read_interval(reader));
    } else if (option == "--json") {
      return fail(reader.wrong(
          "a page has no --json; kiln nodes --json, and pools, tasks and status, have what is "
          "on it"));
    } else if (!option.empty()) {
      return fail(reader.unknown({"--interval", "--help"}));
    } else {
      return fail(reader.wrong("unexpected argument '" + reader.take() + "'"));
    }
  }
  return line;
}

std::string_view top_help() {
  return R"(Shows the farm live: slots, nodes, pools, builds and tasks, like top and htop.
Without a terminal it prints one page and ends.

usage: kiln top [--interval TIME]

  --interval TIME     between two looks (1s); never before the last is answered

Keys
  n, p, b, t          nodes, pools, builds or tasks alone; again: all
  s                   sort by the next column, marked with an arrow
  up, down, j, k      scroll a row; PgUp, PgDn a page; Home, End to the end
  ?                   the keys, and what the characters mean
  q, Ctrl-C           leave

Slots are # busy, = free with an executor that is ready, . free; >3 are queued.

Examples
  kiln top
  kiln top --interval 250ms
  kiln top | head -20
)";
}

}  // namespace kiln::client
