// Running a command here, in the launcher's own place: terminal, descriptors, jobserver, signals
// and exit status are then those of a plain call because it is one.
#pragma once

#include <string>
#include <vector>

#include "client/paths/environment.h"
#include "client/paths/program.h"

namespace kiln::client {

// What the shell's users know: 126 for a program that cannot be executed, 127 for none.
inline constexpr int kCannotExecute = 126;
inline constexpr int kNoProgram = 127;

// Replaces this process by `program` with `argv` and the environment that this process was started
// with, plus `held_slot`'s marker when it is true. Returns only on failure, with the exit code,
// after a line on stderr.
int execute(const std::string& program, const std::vector<std::string>& argv, bool held_slot);

// The argv to execute a found program with: as the caller gave it, but where argv[0] would lead the
// compiler back to Kiln's own link (gcc and clang look themselves up), the found path.
std::vector<std::string> argv_for(const FoundProgram& found, std::vector<std::string> argv);

// Waits for one of the machine's local slots and keeps it through exec. False when there is none
// to hold: nested in a call that holds one, no directory for slots, or a stalled queue.
bool take_local_slot(const Environment& environment);

// Writes all of `text` to `fd` as a compiler would: dies of SIGPIPE where that is not ignored,
// waits where `fd` does not block, and drops the rest on other errors.
void write_fully(int fd, std::string_view text);

// "kiln: TEXT" as a line on stderr.
void complain(std::string_view text);

}  // namespace kiln::client
