// How fast a core of this machine is at a compiler's kind of work, so that nodes can be compared.
#pragma once

#include <cstdint>

namespace kiln {

// What is timed: reads words out of a generated text, finds them in a hash table, keeps them in
// order in a tree, and sorts them by number. Always the same steps; the number depends on all of
// them.
std::uint64_t run_speed_program();

// Reference time over the CPU time that the program takes this thread, the best of some tries:
// who else runs costs wall time, not this, but for what shared caches and hyper-threads take. 1: it
// takes 2 ms, as on a virtual server's core; 2: half of it. Takes seven times that.
double measure_core_speed();

}  // namespace kiln
