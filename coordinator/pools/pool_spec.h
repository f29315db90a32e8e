// Definitions of pools: what they may hold, and how two of them differ.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/model/pool.h"

namespace kiln::coordinator {

// Of all text of one definition, bytes.
inline constexpr std::size_t kMaxSpecBytes = std::size_t{16} * 1024;
// Toolchains of one definition, and that a node is asked to stage for a pool beyond these.
inline constexpr std::size_t kMaxToolchains = 16;

// Errc::invalid_argument names the field, its value and what may stand there.
Status check_spec(const PoolSpec& spec);
// Likewise of toolchains alone.
Status check_toolchains(const std::vector<PoolToolchain>& toolchains);

// The fields as people read them, in a fixed order; equal for equal definitions only.
std::vector<std::pair<std::string, std::string>> fields_of(const PoolSpec& spec);

// Bytes of all its text.
std::size_t text_bytes(const PoolSpec& spec);

// "--context is spawn, not fork; --executors is 4, not 8": what there is, against what was asked
// for, in the words of `kiln pool create`.
std::string difference(const PoolSpec& there, const PoolSpec& asked);

}  // namespace kiln::coordinator
