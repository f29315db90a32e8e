// The machine's places for local work, shared by all users, so that `make -j400` with a dead farm
// does not start 400 compilers.
//
// A slot is a file in one directory that everybody may lock; holding the lock (flock) is holding
// the slot. The lock belongs to the open file, so it passes through exec to the compiler and ends
// when the last process that has it is gone, however it dies. Who waits, waits in the kernel for
// the lock of one gate file, at no cost; only the gate's holder watches the slots (inotify, and a
// slow poll against lost events). The gate is also what makes it first come, first served.
//
// A stopped process (Ctrl-Z) may hold a slot or the gate for ever. Therefore a waiter that sees
// nobody get a slot for `stall_patience` gives up, one at a time, and goes without.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "client/paths/environment.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace kiln::client {

// Set in the environment of what runs under a slot: nested calls take none, so none can wait for
// its own parent.
inline constexpr const char* kHeldSlotVariable = "KILN_HELD_SLOT";

// A slot while this lives. Empty when nested.
class SlotHold {
 public:
  SlotHold() = default;
  explicit SlotHold(UniqueFd fd) : fd_(std::move(fd)) {}

  bool holds() const { return fd_.valid(); }
  // Gives the slot to what this process executes: it is free when that and its children have ended.
  // False when there is no slot to give.
  bool pass_to_exec();

 private:
  UniqueFd fd_;
};

struct SlotOptions {
  std::string directory = "/tmp/kiln-slots";  // shared by all users; its parent must exist
  std::string fallback_directory;  // the user's own, when the shared one cannot be used; may be ""
  std::string lane;                // slots of another name in the same place do not meet
  unsigned count = 0;              // slots; 0: default_slot_count()
  Duration stall_patience = seconds(60);
};

// The smaller of the cores that this process may use (affinity, cgroup quota) and the memory
// (machine, cgroup limit) in GiB; at least 1.
unsigned default_slot_count();

// Copyable, thread-safe: it holds only an open directory.
class LocalSlots {
 public:
  // Opens the directory, making it (mode 1777) when it is absent. Errc::permission_denied when it
  // is a symbolic link or no directory, or cannot be written, and so is the fallback.
  static Result<LocalSlots> open(SlotOptions options = {});

  // Waits for a slot. Errc::timed_out at `deadline`, or when nobody got a slot for
  // `stall_patience`: the caller may then run without.
  Result<SlotHold> acquire(TimePoint deadline) const;

  unsigned count() const { return count_; }

 private:
  LocalSlots(std::shared_ptr<const UniqueFd> directory, std::string path, SlotOptions options);
  Result<int> open_slots(std::vector<UniqueFd>& slots) const;

  std::shared_ptr<const UniqueFd> directory_;
  std::string path_;
  std::string lane_;
  unsigned count_;
  Duration stall_patience_;
};

// Where slots are for `user`: the shared directory (or $KILN_SLOT_DIR, for tests and sandboxes),
// with a fallback beside the agent's socket.
SlotOptions slot_options(const Environment& environment, uid_t user);

}  // namespace kiln::client
