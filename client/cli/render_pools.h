// Pools as text for people, and how far one is on its way to being warm.
#pragma once

#include <cstdint>
#include <string>

#include "client/cli/answer_text.h"

namespace kiln::client {

Rendered render_pools(const Json& answer, const RenderOptions& options);
// Not ok: a node's executors are broken.
Rendered render_pool(const Json& answer, const RenderOptions& options);
Rendered render_warmed(const Json& answer, const RenderOptions& options);

// Of the first pool of an answer to `pool`: whether every selected node that lives has what is
// wanted of it, or cannot, and where all can they have `asked` executors together (0: those that
// are wanted of them, at least one).
struct Warmth {
  bool settled = false;
  bool broken = false;    // on some node
  std::string waits_for;  // "node-2: staging 1 toolchain; node-3: 1 of 4 executors ready"
};
Warmth warmth_of(const Json& answer, std::uint64_t asked);

}  // namespace kiln::client
