// A lane of its own for the compiler runs that only list input files.
#pragma once

#include "client/lister/files_mode_lister.h"
#include "client/slots/local_slots.h"

namespace kiln::client {

// Runs commands under a slot of `lane`. They are short, so one that gets no slot within `patience`
// goes without: waiting behind local compiles would keep a remote call from starting. What runs
// under a slot already takes none.
CommandRunner in_lane(LocalSlots lane, Duration patience);

}  // namespace kiln::client
