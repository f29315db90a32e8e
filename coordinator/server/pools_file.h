// The operator's pools, from a TOML file:
//
//   [[pool]]
//   name = "cc"
//   context = "fork"              # spawn, fork or forkserver
//   executors = 4                 # on each node
//   nodes = ["zone=a", "!spot"]
//   min_warm = 2
//   idle = "10m"
//   windows = [{days = "mon-fri", from = "8:00", to = "20:00", ready = 16}]
//   toolchains = [{name = "gcc", program = "/usr/bin/gcc", architecture = "x86_64", digest = "…"}]
//   init = [["true"]]
//
// docs/operations.md lists every key.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/model/pool.h"

namespace kiln::coordinator {

// Errc::invalid_argument names the file, the line, the pool and the key. The pools are not checked
// beyond what their fields can hold; two of one name are refused.
Result<std::vector<PoolSpec>> read_pools_file(const std::filesystem::path& path);

// Bits of WarmWindow::days: "mon-fri", "sat,sun", "fri-mon", "daily".
Result<std::uint8_t> parse_days(std::string_view text);
// Minutes of the day: "8:00", "20:30".
Result<std::uint32_t> parse_time_of_day(std::string_view text);

}  // namespace kiln::coordinator
