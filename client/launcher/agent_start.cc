#include "client/launcher/agent_start.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/unique_fd.h"

namespace kiln::client {
namespace {

constexpr int kReadyDescriptor = 3;
constexpr int kHighDescriptor = 10;

// What to execute, and the words before the options.
struct AgentProgram {
  std::string file;
  std::vector<std::string> words;
};

// One that is to run on any system (scripts/pack-client.sh) is not beside kiln, but in ../lib/kiln
// with all of its libraries and their loader, which is what is executed then.
Result<AgentProgram> find_agent(const std::string& program) {
  if (::access(program.c_str(), X_OK) == 0) return AgentProgram{program, {"kiln-agent"}};
  const int number = errno;
  const std::string folder = program.substr(0, program.rfind('/'));
  const std::string libraries = folder.substr(0, folder.rfind('/')) + "/lib/kiln";
  const std::string loader = libraries + "/loader";
  if (::access(loader.c_str(), X_OK) == 0) {
    return AgentProgram{loader,
                        {"kiln-agent", "--library-path", libraries, "--argv0", "kiln-agent",
                         libraries + "/kiln-agent"}};
  }
  return fail_errno("cannot start " + program + ", which belongs beside kiln", number);
}

// Everything that the new process needs, made before the fork: after it there is little but system
// calls.
struct Launch {
  AgentProgram program;
  std::vector<std::string> variables;
  std::vector<char*> argv;
  std::vector<char*> environment;

  Launch(AgentProgram agent, const std::string& socket, const Environment& caller)
      : program(std::move(agent)) {
    for (const auto& [name, value] : agent_environment(caller)) {
      if (name != "KILN_SOCKET") variables.push_back(name + "=" + value);
    }
    variables.push_back("KILN_SOCKET=" + socket);
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    for (const char* word : {"--ready-fd", "3"}) program.words.emplace_back(word);
    for (std::string& word : program.words) argv.push_back(word.data());
    argv.push_back(nullptr);
  }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
};

void reset_signals() {
  for (int number = 1; number <= SIGRTMAX; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Kernels before 5.9 and some sandboxes have no close_range.
void close_from(int first) {
  if (::close_range(static_cast<unsigned>(first), ~0U, 0) == 0) return;
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return;
  std::vector<int> open;
  while (const dirent* entry = ::readdir(directory)) {
    const int fd = std::atoi(entry->d_name);
    if (fd >= first && fd != ::dirfd(directory)) open.push_back(fd);
  }
  ::closedir(directory);
  for (const int fd : open) ::close(fd);
}

[[noreturn]] void become_agent(const Launch& launch, int ready) {
  const int high = ::fcntl(ready, F_DUPFD, kHighDescriptor);
  for (int fd = 0; fd < kReadyDescriptor; ++fd) ::close(fd);
  const int null = ::open("/dev/null", O_RDWR);  // gets 0, the lowest
  if (high < 0 || null != 0 || ::dup2(null, 1) < 0 || ::dup2(null, 2) < 0 ||
      ::dup2(high, kReadyDescriptor) < 0) {
    ::_exit(127);
  }
  close_from(kReadyDescriptor + 1);
  reset_signals();
  ::umask(077);
  const pid_t self = ::getpid();
  if (::write(kReadyDescriptor, &self, sizeof self) == sizeof self && ::chdir("/") == 0) {
    ::execve(launch.program.file.c_str(), launch.argv.data(), launch.environment.data());
  }
  ::_exit(127);
}

// Forks twice, so that the agent is nobody's child and leads no session of a terminal.
Status spawn(const Launch& launch, int ready) {
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("cannot start the agent: fork", errno);
  if (child == 0) {
    ::setsid();
    const pid_t grandchild = ::fork();
    if (grandchild == 0) become_agent(launch, ready);
    ::_exit(grandchild < 0 ? 1 : 0);
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {};
}

// Reads the pipe until it is known how the start went: the pid, which the new process writes before
// it becomes the agent, then one byte when it serves, or "!" and why it cannot.
class Starting {
 public:
  Starting(int pipe, const std::string& program) : pipe_(pipe), program_(program) {}

  Status wait(TimePoint deadline) {
    while (true) {
      KILN_TRY_ASSIGN(const bool more, read_some(deadline));
      const bool told = text_.size() > sizeof(pid_t);
      if (told && text_[sizeof(pid_t)] != '!') return {};
      if (!more) return fail(Errc::unavailable, program_ + why());
    }
  }

 private:
  // False at the end of what there is to read.
  Result<bool> read_some(TimePoint deadline) {
    while (true) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
      struct pollfd item {};
      item.fd = pipe_;
      item.events = POLLIN;
      const int count = ::poll(&item, 1, static_cast<int>(std::max<long long>(left, 0)));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        kill_it();
        return fail(Errc::timed_out, program_ + " did not come up in time");
      }
      std::array<char, 4096> part{};
      const ssize_t size = ::read(pipe_, part.data(), part.size());
      if (size < 0 && errno == EINTR) continue;
      if (size > 0) text_.append(part.data(), static_cast<std::size_t>(size));
      return size > 0;
    }
  }

  // It holds the pipe's other end still, so the pid is not another process's.
  void kill_it() const {
    pid_t pid = 0;
    if (text_.size() >= sizeof pid) std::memcpy(&pid, text_.data(), sizeof pid);
    if (pid > 0) ::kill(pid, SIGKILL);
  }

  std::string why() const {
    if (text_.size() <= sizeof(pid_t) + 1)
      return " could not be started or ended at once; run it by hand to see why";
    return " could not be started: " + text_.substr(sizeof(pid_t) + 1);
  }

  const int pipe_;
  const std::string& program_;
  std::string text_;
};

}  // namespace

Status start_agent(const std::string& program, const std::string& socket, const Environment& caller,
                   TimePoint deadline) {
  KILN_TRY_ASSIGN(AgentProgram agent, find_agent(program));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("cannot make a pipe", errno);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const Launch launch(std::move(agent), socket, caller);
  KILN_TRY(spawn(launch, writer.get()));
  writer.reset();
  return Starting(reader.get(), program).wait(deadline);
}

}  // namespace kiln::client
