// Whether kiln-worker and kiln-nursery understand each other.
#pragma once

#include <string>

namespace kiln::worker {

// The version, and a number of the shape of all messages between the two. Programs for which it is
// equal read each other's messages.
std::string build_identity();

}  // namespace kiln::worker
