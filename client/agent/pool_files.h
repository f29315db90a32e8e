// What a pool's definition names must be where it will be used: the initializer runs in the root of
// the pool's first toolchain, which holds that program's own files and nothing else.
#pragma once

#include <string>

#include "client/toolchain/toolchain.h"
#include "common/base/result.h"
#include "common/model/pool.h"

namespace kiln::client {

// Errc::not_found names the first program of a step, or file to be kept, that is missing on this
// machine or in the tree of `toolchain`, which was asked for as `command`, and says what to do.
// Blocks for a look at each file.
Status check_pool_files(const PoolSpec& spec, const Toolchain& toolchain,
                        const std::string& command);

}  // namespace kiln::client
