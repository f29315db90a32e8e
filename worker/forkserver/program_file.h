// Whether a program's file is one that the stub can be loaded into.
#pragma once

#include <string>

namespace kiln::worker {

// Why the program that begins with these bytes (the first kilobytes of its file) cannot be held;
// empty: it may be. Only one that a dynamic loader starts can be.
std::string problem_of_program(const std::string& head);

}  // namespace kiln::worker
