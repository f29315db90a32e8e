#include "client/timeline/counters.h"

#include <algorithm>
#include <string_view>

namespace kiln::client {
namespace {

enum State : std::size_t { listing, waiting, remote, local };

struct Change {
  std::int64_t at;
  State state;
  std::int64_t by;
};

void note(std::vector<Change>& changes, State state, const Span& span) {
  if (span.end <= span.begin) return;
  changes.push_back({span.begin, state, 1});
  changes.push_back({span.end, state, -1});
}

std::vector<Change> changes_of(const std::vector<Piece>& pieces) {
  std::vector<Change> changes;
  for (const auto& piece : pieces) {
    if (piece.row == Piece::Row::node) note(changes, remote, piece.span);
    if (piece.row == Piece::Row::here) note(changes, local, piece.span);
    if (piece.row != Piece::Row::listing) continue;
    for (const auto& phase : piece.phases) {
      const bool waits = std::string_view(phase.name) == "lease";
      note(changes, waits ? waiting : listing, phase.span);
    }
  }
  std::sort(changes.begin(), changes.end(),
            [](const Change& one, const Change& other) { return one.at < other.at; });
  return changes;
}

}  // namespace

std::vector<Counted> count_states(const std::vector<Piece>& pieces) {
  std::vector<Counted> counted;
  Counted now;
  const auto changes = changes_of(pieces);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    now.jobs[changes[i].state] += changes[i].by;
    now.at = changes[i].at;
    const bool is_last = i + 1 == changes.size() || changes[i + 1].at != now.at;
    if (is_last) counted.push_back(now);
  }
  return counted;
}

}  // namespace kiln::client
