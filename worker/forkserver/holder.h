// The two processes that hold a program, and how they come to be.
//
// The program's process must have no privilege, since what runs in it is the task's; but each of
// its forks must begin in another root. So its root, with directory and umask, is one that it
// shares with another process, the holder (CLONE_FS), which may change roots and does nothing else:
// whatever root the holder enters, the held process is in, and a fork of it gets a copy.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "worker/sandbox/identity.h"

namespace kiln::worker {

// Where the stub is in a held root, see make_held_root.
constexpr const char* kStubName = ".kiln-forkserver.so";

struct HolderSetup {
  std::string program;  // absolute, in the root `home`
  UniqueFd home;        // a directory that the held program starts in as its root
  UniqueFd log;         // gets what the program writes before its main
  Identity identity;
};

struct StartedHolder {
  pid_t holder = -1;  // waited for with __WALL only
  pid_t held = -1;
  UniqueFd orders;  // to the holder
  UniqueFd stub;    // to the held process
};

// REQUIRES: this process is an init with all its privileges.
Result<StartedHolder> start_holder(const HolderSetup& setup);

// Makes the directory `root` the root of holder and held process; -1: `home` again, which is not
// waited for.
Status enter_by_holder(int orders, int root);

}  // namespace kiln::worker
