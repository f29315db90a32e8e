// What an agent does when an attempt ends: pure.
//
// The command's own end is the answer. A worker that is only busy costs nothing but another lease.
// A failure of the farm is tried on another node twice, then the call runs locally; with
// KILN_FALLBACK=0 it fails instead and says why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "common/model/task.h"

namespace kiln::client {

enum class AttemptEnd : std::uint8_t {
  result,          // a RunResult arrived; `outcome` holds
  result_invalid,  // a result arrived that cannot be read, or not all of it could be had
  busy,            // refused by the worker
  worker_lost,     // silence, a closed connection, an attempt that the worker does not know
  no_lease,        // no coordinator, no room in time, refused: nothing was run
  no_pool,         // there is none of that name: nothing was run, nor ever will be
  pool_broken,     // on every node of it: likewise, until it is told to try again
};

// What happened to one call so far.
struct CallHistory {
  std::uint32_t failures = 0;  // of the farm
  std::uint32_t busy = 0;
  std::vector<std::string> excluded;  // workers that failed it
};

struct Step {
  enum class Kind : std::uint8_t { done, retry, locally, fail } kind = Kind::done;
  std::string reason;  // stable word for stats and `kiln why`; empty when done
};

struct RetryPolicy {
  std::uint32_t other_nodes = 2;  // further nodes that are tried after a failure
  std::uint32_t busy = 32;        // refusals that are taken before the call goes local
  bool fallback = true;           // KILN_FALLBACK
  // How long an attempt stands behind another task on its worker before the call goes local.
  Duration behind = seconds(10);
};

// Why the end of a command may be the worker's doing and not its own, as a stable word; empty when
// there is no doubt. "input_missing": it could not find a file, which the local lister may have
// missed; "no_space", "no_memory", "no_resources", "io_error", "killed": the worker lacked what the
// command needs; "untranslated": it failed, and `translated` says that its words may be in a
// language that is not looked through for these. `err` is what it wrote to stderr.
std::string doubt_about(const TaskResult& result, std::string_view err, bool translated);

// "output_missing" for a compile that ended well without writing `object`, where the call expects
// its object; else empty. The name was guessed wrong, and only the compiler knows the right one.
std::string doubt_about_object(const TaskResult& result, const std::string& object);

// Whether programs that translate their messages write other ones than English with `environment`.
bool translates(const std::vector<std::pair<std::string, std::string>>& environment);

// Whether a command's end with that doubt is its own all the same: nothing better could be had.
bool is_believed(const RetryPolicy& policy, const std::string& doubt);

// Whether an attempt that has been queued on its worker for `waited` is to be taken back: a long
// task keeps the slot, and the call is sooner done here. Without fallback nothing is gained by it:
// the worker answers, and the slot is the next to be free.
bool has_waited_enough(const RetryPolicy& policy, Duration waited);

// Why a worker that refuses would refuse again: "pool_broken" or "no_pool" when it has no executor
// of the pool and makes none now; empty when it is only busy. `refusal`: the reason of a Busy.
std::string doubt_about_refusal(const std::string& refusal);

// Notes the end of an attempt on `worker` in `history` and says what comes next. `doubt`: see
// doubt_about, and for one that is busy doubt_about_refusal.
Step next_step(const RetryPolicy& policy, CallHistory& history, AttemptEnd end, Outcome outcome,
               const std::string& worker, const std::string& doubt);

}  // namespace kiln::client
