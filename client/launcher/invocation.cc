#include "client/launcher/invocation.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <utility>

#include "client/paths/program.h"

namespace kiln::client {
namespace {

std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> subcommands() {
  return {"status", "nodes", "tasks",  "stats", "why",   "config", "doctor",
          "run",    "agent", "help",   "pools", "pool",  "top",    "toolchain",
          "warm",   "drain", "resume", "keys",  "trace", "log"};
}

bool is_subcommand(std::string_view word) {
  const auto names = subcommands();
  return std::find(names.begin(), names.end(), word) != names.end();
}

std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
  std::string nearest;
  std::size_t least = 3;  // three letters wrong is another word
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least && distance < candidate.size()) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

Invocation interpret(const std::vector<std::string>& argv) {
  Invocation invocation;
  if (argv.empty()) return invocation;
  if (is_compiler_name(argv.front())) {
    return Invocation{Invocation::Kind::compile, argv};
  }
  if (!std::filesystem::path(argv.front()).filename().string().starts_with("kiln")) {
    return Invocation{Invocation::Kind::unknown_name, {}};
  }
  invocation.words.assign(argv.begin() + 1, argv.end());
  if (invocation.words.empty()) return invocation;
  const std::string& first = invocation.words.front();
  const bool is_command = first.empty() || first.front() == '-' || is_subcommand(first);
  if (!is_command) invocation.kind = Invocation::Kind::compile;
  return invocation;
}

}  // namespace kiln::client
