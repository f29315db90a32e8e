#include "worker/forkserver/held_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <set>
#include <sstream>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "common/base/time.h"
#include "worker/forkserver/program_file.h"
#include "worker/sandbox/root_path.h"

namespace kiln::worker {
namespace {

constexpr auto kStartPatience = seconds(3);
constexpr auto kForkPatience = seconds(2);
constexpr std::size_t kMostLogged = 200;  // bytes, of what a program says before its main

std::string head_of(int fd) {
  std::string head(std::size_t{64} << 10U, '\0');
  const auto count = ::pread(fd, head.data(), head.size(), 0);
  head.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return head;
}

std::string first_line(int log) {
  std::string text = head_of(log).substr(0, kMostLogged);
  return text.substr(0, text.find('\n'));
}

Result<std::string> read_proc(int proc, pid_t pid, const char* name) {
  const auto path = std::to_string(pid) + "/" + name;
  const UniqueFd fd(::openat(proc, path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("cannot look at a held process: " + path, errno);
  return read_all(fd.get());
}

// The path of its file in the root `home`.
Result<std::string> check_program(int home, const std::string& program) {
  const auto file = open_in_root(home, program, O_RDONLY);
  if (!file.valid()) return fail_errno("cannot read it", errno);
  if (auto problem = problem_of_program(head_of(file.get())); !problem.empty()) {
    return fail(Errc::unsupported, std::move(problem));
  }
  const auto path = path_below(home, file.get());
  if (!path) return fail(Errc::unsupported, "its file has no path");
  return "/" + *path;
}

// What a fork of it would not be given as exec would give it.
Status check_state(int proc, pid_t pid) {
  KILN_TRY_ASSIGN(const auto status, read_proc(proc, pid, "status"));
  if (status.find("\nThreads:\t1\n") == std::string::npos) {
    return fail(Errc::unsupported, "threads before main");
  }
  return {};
}

Result<std::vector<std::string>> mapped_files(int proc, pid_t pid) {
  KILN_TRY_ASSIGN(const auto maps, read_proc(proc, pid, "maps"));
  std::istringstream lines(maps);
  std::set<std::string> files;
  for (std::string line; std::getline(lines, line);) {
    const auto slash = line.find('/');
    if (slash != std::string::npos) files.insert(line.substr(slash));
  }
  files.insert("/etc/ld.so.cache");
  files.insert("/etc/ld.so.preload");
  return std::vector<std::string>(files.begin(), files.end());
}

}  // namespace

HeldProcess::HeldProcess(HeldFiles files, StartedHolder started)
    : files_(std::move(files)), started_(std::move(started)), stub_(std::move(started_.stub)) {}

HeldProcess::~HeldProcess() {
  if (!started_.orders.valid()) return;  // it was moved from
  ::kill(started_.held, SIGKILL);
  ::kill(started_.holder, SIGKILL);
  ::waitpid(started_.holder, nullptr, __WALL);
  ::waitpid(started_.held, nullptr, 0);  // this process's child now
}

Result<HeldProcess> HeldProcess::start(const HeldProgram& program, const ScratchLayout& layout,
                                       const Identity& identity, int proc) {
  HolderSetup setup{program.program, {}, {}, identity};
  KILN_TRY_ASSIGN(setup.home, make_held_root(layout, program.lowers, identity));
  KILN_TRY_ASSIGN(auto path, check_program(setup.home.get(), program.program));
  setup.log.reset(::memfd_create("log", MFD_CLOEXEC));
  if (!setup.log.valid()) return fail_errno("cannot make a memory file", errno);
  KILN_TRY_ASSIGN(auto started, start_holder(setup));
  HeldProcess held({program, std::move(path), {}}, std::move(started));
  auto hello = held.stub_.wait_hello(Clock::now() + kStartPatience);
  if (!hello && hello.error().code == Errc::unsupported) return fail(hello.error());
  if (!hello) {
    auto said = first_line(setup.log.get());
    const bool ended = hello.error().code == Errc::unavailable;
    return fail(ended ? Errc::unsupported : Errc::timed_out,
                std::string("the stub did not load: the program ") +
                    (ended ? "ran without it" : "does not get to its main") +
                    (said.empty() ? "" : ": " + said));
  }
  KILN_TRY(check_state(proc, held.started_.held));
  KILN_TRY_ASSIGN(held.files_.files, mapped_files(proc, held.started_.held));
  for (const pid_t pid : held.pids()) {
    auto settings = settings_of(pid, proc);
    if (!settings) return fail(Errc::unavailable, "its processes cannot be looked at");
    held.settings_.push_back(std::move(*settings));
  }
  return held;
}

bool HeldProcess::is_unchanged(int proc) const {
  const auto own = pids();
  return std::equal(own.begin(), own.end(), settings_.begin(), settings_.end(),
                    [proc](pid_t pid, const auto& before) {
                      const auto now = settings_of(pid, proc);
                      return now && *now == before;
                    });
}

Result<StartedCommand> HeldProcess::fork(const CommandSpec& spec) {
  KILN_TRY(enter_by_holder(started_.orders.get(), spec.root));
  return stub_.start(spec, Clock::now() + kForkPatience);
}

void HeldProcess::go_home() {
  // One that is gone is noticed by its descriptors.
  static_cast<void>(enter_by_holder(started_.orders.get(), -1));
}

}  // namespace kiln::worker
