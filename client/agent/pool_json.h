// Pools as JSON: what `kiln pool` and the library send, and what they get.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/base/result.h"
#include "common/model/pool.h"
#include "common/wire/messages.h"

namespace kiln::client {

// What creating a pool asks for. Toolchains are named by commands here, to be found on the caller's
// PATH; the spec's own list is empty.
struct PoolWishes {
  PoolSpec spec;
  std::vector<std::string> commands;
  std::uint32_t warm = 0;  // executors to be ready, on all nodes together
  bool all = false;        // every executor
};

// Members are named as PoolSpec's fields; besides: `toolchains` (list of commands), `environment`
// (object), `warm`, `all`. Errc::invalid_argument names the member that is wrong or unknown.
Result<PoolWishes> pool_wishes_of(const std::string& json);

// {"name", "version", "context", …, "nodes": [{"node", "state", "wanted", "answered", "pool"}]}, as
// client/cli/README.md lists it.
nlohmann::json json_of(const wire::PoolStatus& status);

}  // namespace kiln::client
