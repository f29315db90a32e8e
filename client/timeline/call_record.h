// What is known of a call that has ended: where it ran, why there, and when each of its phases
// began and ended by the agent's own monotonic clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/model/task.h"

namespace kiln::client {

// A time that is the epoch was never come to.
struct AttemptTrace {
  std::string node;
  std::string outcome = {};  // how it ended, a stable word
  TimePoint asked{};         // for a lease
  TimePoint leased{};
  TimePoint sent{};             // RUN
  TimePoint ended{};            // by its result, or by what went wrong
  TimePoint written{};          // its outputs
  Usage usage{};                // of its result
  std::uint64_t bytes_in = 0;   // blobs that went to the node for it, as they travelled
  std::uint64_t bytes_out = 0;  // outputs that came back
};

// Where a unit's time went, and which nodes it was tried on.
struct UnitTrace {
  std::string node;  // of the last attempt
  std::vector<AttemptTrace> attempts;
  std::vector<AttemptTrace> waits;  // for a slot, in vain: not attempts, since nothing was run
  Duration acquire{};
  Duration remote{};  // from the lease to the result
  Duration write{};
  Usage usage;
};

struct CallRecord {
  std::string file;  // absolute
  // Nowhere: it failed, since it was not to run here.
  enum class Ran : std::uint8_t { remotely, locally, nowhere } ran = Ran::locally;
  bool is_fallback = false;  // locally, though it should have run remotely
  std::string node;
  std::string reason;     // stable word: why not remotely, or "compiled"
  std::string detail;     // for people, may be empty
  std::string pool;       // empty: the default one
  std::int64_t when = 0;  // seconds since the Unix epoch
  Duration wall{};
  Duration listing{};
  TimePoint begun{};
  TimePoint listing_begun{};  // by a thread that was free for it
  TimePoint listing_ended{};
  TimePoint ended{};  // answered; who runs it locally begins only then
  std::vector<UnitTrace> traces;
};

inline const char* name_of(CallRecord::Ran ran) {
  if (ran == CallRecord::Ran::remotely) return "remote";
  return ran == CallRecord::Ran::locally ? "local" : "nowhere";
}

}  // namespace kiln::client
