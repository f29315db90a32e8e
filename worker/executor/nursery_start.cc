#include "worker/executor/nursery_start.h"

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/executor/build_identity.h"
#include "worker/executor/nursery.h"

namespace kiln::worker {
namespace {

// Above those that the program is given, so that arranging these overwrites nothing.
Result<UniqueFd> raised(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, kNurseryLock + 1));
  if (!copy.valid()) return fail_errno("cannot copy a descriptor", errno);
  return copy;
}

struct Arguments {
  std::string program;
  std::string build;
  int channel = -1;
  int lock = -1;
  int failure = -1;  // gets the errno of a start that failed
};

// In the child of a process that may have threads: allocates nothing.
[[noreturn]] void become(const Arguments& arguments, char* const* argv) {
  if (::dup2(arguments.channel, kNurseryChannel) >= 0 &&
      ::dup2(arguments.lock, kNurseryLock) >= 0) {
    ::execv(arguments.program.c_str(), argv);
  }
  const int number = errno;
  static_cast<void>(!::write(arguments.failure, &number, sizeof number));
  ::_exit(127);
}

}  // namespace

Result<std::filesystem::path> installed_nursery() {
  std::error_code code;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code)
    return fail_errno("cannot find this program's directory (is /proc there?)", code.value());
  return own.parent_path() / "kiln-nursery";
}

Result<StartedNursery> start_nursery(const std::filesystem::path& program, int lock) {
  KILN_TRY_ASSIGN(auto pair, Channel::make_pair());
  KILN_TRY_ASSIGN(const auto channel, raised(pair.second.fd()));
  KILN_TRY_ASSIGN(const auto kept_lock, raised(lock));
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("cannot make a pipe", errno);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  KILN_TRY_ASSIGN(auto failure, raised(writer.get()));
  writer.reset();
  Arguments arguments{program.string(), build_identity(), channel.get(), kept_lock.get(),
                      failure.get()};
  const std::array<char*, 3> argv{arguments.program.data(), arguments.build.data(), nullptr};
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("cannot fork the nursery", errno);
  if (pid == 0) become(arguments, argv.data());
  failure.reset();
  int number = 0;
  ssize_t count = -1;
  while ((count = ::read(reader.get(), &number, sizeof number)) < 0 && errno == EINTR) {
  }
  if (count == sizeof number) {
    ::waitpid(pid, nullptr, 0);
    return fail_errno("cannot start " + program.string() + ", which belongs beside kiln-worker",
                      number);
  }
  return StartedNursery{pid, std::move(pair.first)};
}

}  // namespace kiln::worker
