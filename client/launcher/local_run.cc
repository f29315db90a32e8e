#include "client/launcher/local_run.h"

#include <cerrno>
#include <system_error>

#include <poll.h>
#include <unistd.h>

#include "client/slots/local_slots.h"

namespace kiln::client {
namespace {

// Long enough for any honest queue; a stalled one ends earlier by LocalSlots' own patience.
constexpr std::chrono::hours kSlotDeadline(24);

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  result.reserve(words.size() + 1);
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

int execute(const std::string& program, const std::vector<std::string>& argv, bool held_slot) {
  std::vector<std::string> words = argv;
  std::string marker = std::string(kHeldSlotVariable) + "=1";
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  if (held_slot) environment.push_back(marker.data());
  environment.push_back(nullptr);
  ::execve(program.c_str(), pointers(words).data(), environment.data());
  const int number = errno;
  complain("cannot execute " + program + ": " + std::generic_category().message(number));
  return number == ENOENT ? kNoProgram : kCannotExecute;
}

std::vector<std::string> argv_for(const FoundProgram& found, std::vector<std::string> argv) {
  if (found.passed_links && !argv.empty()) argv.front() = found.path;
  return argv;
}

bool take_local_slot(const Environment& environment) {
  if (is_switched_on(environment, kHeldSlotVariable)) return false;
  const auto slots = LocalSlots::open(slot_options(environment, ::geteuid()));
  if (!slots) return false;
  auto hold = slots->acquire(Clock::now() + kSlotDeadline);
  return hold && hold->pass_to_exec();
}

void write_fully(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      struct pollfd item {};
      item.fd = fd;
      item.events = POLLOUT;
      ::poll(&item, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

void complain(std::string_view text) {
  // A message of one command names it already.
  const std::string_view start = text.starts_with("kiln ") ? "" : "kiln: ";
  write_fully(STDERR_FILENO, std::string(start) + std::string(text) + "\n");
}

}  // namespace kiln::client
