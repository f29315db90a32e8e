// A process's environment as a value, so that what depends on it can be tested and sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kiln::client {

// In the order of `environ`; the same shape as wire::Call::environment.
using Environment = std::vector<std::pair<std::string, std::string>>;

// Reads a null-terminated array of "NAME=value"; entries without '=' are dropped.
Environment read_environment(const char* const* entries);

// The first value of `name`, as getenv would give; nullopt when it is not set.
std::optional<std::string_view> find_value(const Environment& environment, std::string_view name);

// find_value, with "" for a variable that is not set.
std::string_view value_of(const Environment& environment, std::string_view name);

// Whether a switch such as KILN_DISABLE is on: set, and neither "" nor "0".
bool is_switched_on(const Environment& environment, std::string_view name);

// Whether this is the environment of a task, which runs on a worker: pools and agents are not for
// those.
bool is_task_of_kiln(const Environment& environment);

// Whether a switch that is on by default, such as KILN_FALLBACK, is off: 0, false, no or off, as in
// the agent's settings.
bool is_switched_off(const Environment& environment, std::string_view name);

// The environment that an agent starts with, whoever calls first: HOME, USER, LOGNAME, PATH, XDG_*
// and Kiln's settings of a machine. Variables that belong to one call (KILN_MODE, KILN_BUILD, …)
// and all others (LD_PRELOAD, MAKEFLAGS, LANG, …) are left out.
Environment agent_environment(const Environment& caller);

}  // namespace kiln::client
