#include "client/slots/local_slots.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "client/paths/paths.h"
#include "client/slots/file_lock.h"

namespace kiln::client {
namespace {

constexpr const char* kGate = "gate";
constexpr unsigned kLockFileMode = 0666;
constexpr int kFirstKeptDescriptor = 10;  // beyond what shell scripts name by one digit

// Events can be lost (queue overflow, no inotify to be had), so slots are tried this often anyway.
constexpr milliseconds kLookAnyway(250);
// A file is reported closed a little before its lock is released.
constexpr milliseconds kLookAgain(1);

Result<UniqueFd> open_directory(const std::string& path, unsigned mode, const std::string& gate) {
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(::open(path.c_str(), flags));
  if (!fd.valid() && errno == ENOENT) {
    const bool made = ::mkdir(path.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) return fail_errno("cannot create the directory " + path, errno);
    fd.reset(::open(path.c_str(), flags));
    if (made && fd.valid()) ::fchmod(fd.get(), mode);  // past the umask
  }
  if (!fd.valid()) return fail_errno("cannot open the directory of local slots " + path, errno);
  const auto opened = open_lock_file(fd.get(), gate, kLockFileMode);
  if (!opened) return fail(opened.error().within("cannot use the local slots in " + path));
  return fd;
}

// When somebody last got a slot, by the gate's time of modification.
Duration since_last_grant(int gate) {
  struct stat info {};
  struct timespec now {};
  if (::fstat(gate, &info) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) return Duration(0);
  return seconds(now.tv_sec - info.st_mtim.tv_sec) +
         std::chrono::nanoseconds(now.tv_nsec - info.st_mtim.tv_nsec);
}

void note_grant(int gate) {
  ::futimens(gate, nullptr);
}

tl::unexpected<Error> stalled(const std::string& directory) {
  return fail(Errc::timed_out, "no local slot of " + directory + " came free for a long time");
}

// Waits at the gate until it is ours.
Status pass_gate(int gate, TimePoint deadline, Duration patience, const std::string& directory) {
  Duration wait = patience;
  while (true) {
    const TimePoint until = std::min(deadline, Clock::now() + wait);
    auto locked = lock_until(gate, until);
    if (locked || locked.error().code != Errc::timed_out) return locked;
    if (Clock::now() >= deadline) return fail(Errc::timed_out, "no local slot came free in time");
    const Duration idle = since_last_grant(gate);
    if (idle >= patience) {
      note_grant(gate);  // the next waiter waits once more: they give up one at a time
      return stalled(directory);
    }
    wait = std::max<Duration>(patience - idle, kLookAgain);
  }
}

int first_free(const std::vector<UniqueFd>& slots) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (try_lock(slots[i].get())) return static_cast<int>(i);
  }
  return -1;
}

// Waits until a file of the watched directory was closed, at most for `limit`.
bool wait_for_close(int watch, Duration limit) {
  struct pollfd item {};
  item.fd = watch;  // -1 (no inotify to be had) only waits
  item.events = POLLIN;
  const auto wait = std::chrono::duration_cast<milliseconds>(limit).count() + 1;
  if (::poll(&item, 1, static_cast<int>(wait)) <= 0) return false;
  alignas(struct inotify_event) std::array<char, 4096> events;
  return ::read(watch, events.data(), events.size()) > 0;
}

}  // namespace

bool SlotHold::pass_to_exec() {
  if (!fd_.valid()) return false;
  // The duplicate has no close-on-exec flag and shares the lock.
  const bool passed = ::fcntl(fd_.get(), F_DUPFD, kFirstKeptDescriptor) >= 0;
  fd_.reset();
  return passed;
}

LocalSlots::LocalSlots(std::shared_ptr<const UniqueFd> directory, std::string path,
                       SlotOptions options)
    : directory_(std::move(directory)),
      path_(std::move(path)),
      lane_(std::move(options.lane)),
      count_(options.count),
      stall_patience_(options.stall_patience) {}

Result<LocalSlots> LocalSlots::open(SlotOptions options) {
  if (options.count == 0) options.count = default_slot_count();
  const std::string gate = options.lane + kGate;
  std::string path = options.directory;
  auto directory = open_directory(path, 01777, gate);
  if (!directory && !options.fallback_directory.empty()) {
    path = options.fallback_directory;
    directory = open_directory(path, 0700, gate);
  }
  if (!directory) return fail(std::move(directory).error());
  return LocalSlots(std::make_shared<const UniqueFd>(std::move(*directory)), std::move(path),
                    std::move(options));
}

// Opens slots into `slots` until one can be locked, and gives its index, or -1 when all are taken.
// A slot file that someone made unusable costs that slot, not the others.
Result<int> LocalSlots::open_slots(std::vector<UniqueFd>& slots) const {
  for (unsigned i = 0; i < count_; ++i) {
    auto slot =
        open_lock_file(directory_->get(), lane_ + "slot." + std::to_string(i), kLockFileMode);
    if (slot) {
      slots.push_back(std::move(*slot));
      if (try_lock(slots.back().get())) return static_cast<int>(slots.size()) - 1;
    } else if (slots.empty() && i + 1 == count_) {
      return fail(std::move(slot).error());
    }
  }
  return -1;
}

Result<SlotHold> LocalSlots::acquire(TimePoint deadline) const {
  KILN_TRY_ASSIGN(const UniqueFd gate,
                  open_lock_file(directory_->get(), lane_ + kGate, kLockFileMode));
  KILN_TRY(pass_gate(gate.get(), deadline, stall_patience_, path_));
  std::vector<UniqueFd> slots;
  KILN_TRY_ASSIGN(int free, open_slots(slots));
  UniqueFd watch;
  bool watching = false;
  const TimePoint patience_end = Clock::now() + stall_patience_;
  bool closed = false;
  while (free < 0) {
    const TimePoint now = Clock::now();
    if (now >= deadline) return fail(Errc::timed_out, "no local slot came free in time");
    if (now >= patience_end) {
      note_grant(gate.get());
      return stalled(path_);
    }
    if (!watching) {
      watching = true;  // from before the next look, so that no release falls between
      watch.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
      ::inotify_add_watch(watch.get(), path_.c_str(), IN_CLOSE | IN_ONLYDIR);
    } else {
      const Duration limit = std::min(deadline, patience_end) - now;
      closed =
          wait_for_close(watch.get(), std::min<Duration>(limit, closed ? kLookAgain : kLookAnyway));
    }
    free = first_free(slots);
  }
  note_grant(gate.get());
  return SlotHold(std::move(slots[static_cast<std::size_t>(free)]));
}

SlotOptions slot_options(const Environment& environment, uid_t user) {
  SlotOptions options;
  if (const auto given = value_of(environment, "KILN_SLOT_DIR"); !given.empty()) {
    options.directory = given;
  }
  if (auto own = private_directory("/tmp", "kiln-" + std::to_string(user), user)) {
    options.fallback_directory = *own + "/slots";
  }
  return options;
}

}  // namespace kiln::client
