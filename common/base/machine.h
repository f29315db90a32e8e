// What this process may use of the machine: never the host's figures where less is allowed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

// Cores by CPU affinity and cgroup quota (v2 cpu.max, v1 cpu.cfs_quota_us), rounded up; at least 1.
std::uint32_t usable_cores();

// Bytes of memory by the machine and the cgroup's limit (v2 memory.max, v1 memory.limit_in_bytes).
std::uint64_t usable_memory_bytes();

// Bytes that could be had now without swapping, of the machine (MemAvailable).
std::uint64_t available_memory_bytes();

// One-minute load average.
double load_average();

// As `uname -m` and `uname -n` say.
std::string architecture();
std::string host_name();

// The cgroup of a controller by the text of /proc/self/cgroup; "" is the one of version 2. Version
// 1 may mount several controllers together, as "cpu,cpuacct". nullopt: the controller is not there.
std::optional<std::string> cgroup_path(std::string_view groups, std::string_view controller);

// A random number from the system, never 0: for epochs.
std::uint64_t random_epoch();

}  // namespace kiln
