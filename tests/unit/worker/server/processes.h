// What /proc tells of the processes of a worker.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include <sys/types.h>

namespace kiln::worker {

// Live processes that descend from `ancestor`.
std::set<pid_t> descendants(pid_t ancestor);
bool is_alive(pid_t pid);
// Whether one of them runs this program.
bool runs_below(pid_t ancestor, const std::string& program);
// Resident memory of all of them together.
std::uint64_t resident_bytes(const std::set<pid_t>& processes);

}  // namespace kiln::worker
