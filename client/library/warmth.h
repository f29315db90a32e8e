// Whether a pool is as warm as it was asked to be: pure.
#pragma once

#include <optional>
#include <string>

#include <kiln/pool.h>

namespace kiln::v1 {

struct Warmth {
  enum class Kind { reached, waiting, failed } kind = Kind::waiting;
  std::string waits_for;       // waiting: which nodes, and for what of each
  std::optional<Error> error;  // failed; also what to say when there is no time left to wait
};

// Reached: every selected node that lives has what is wanted of it or is broken, and not all are;
// where none is broken they have together what is asked. Failed: all are broken. `asked` is what
// the caller wants warm.
Warmth judge(const PoolStatus& status, Warm asked);

}  // namespace kiln::v1
