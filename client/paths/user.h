// Whom the farm is told that calls are of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/paths/environment.h"

namespace kiln::client {

// USER or LOGNAME, as a login sets them; in containers and services, where there is neither, the
// name that `passwd` (the text of /etc/passwd) has for `uid`; else the number. Libraries that know
// other sources of users are not asked: the client brings its own libc to foreign systems.
std::string user_name(const Environment& environment, std::uint32_t uid, std::string_view passwd);

}  // namespace kiln::client
