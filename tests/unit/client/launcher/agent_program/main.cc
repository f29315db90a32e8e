// A made-up agent: writes down how it was started into the file KILN_LOG_FILE, then serves calls by
// answering that they are done, until it is told to stop. KILN_CONFIG=broken ends it at once,
// refuses: with a word why, hangs: it never comes up.
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/paths/environment.h"
#include "common/base/unique_fd.h"
#include "common/wire/stream.h"

namespace {

using kiln::UniqueFd;
using kiln::client::value_of;

std::string open_descriptors() {
  std::string list;
  DIR* directory = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.' || std::atoi(entry->d_name) == ::dirfd(directory)) continue;
    list += std::string(list.empty() ? "" : ",") + entry->d_name;
  }
  ::closedir(directory);
  return list;
}

// Signals 32 and 33 are the C library's own, which nobody can reset through it.
std::string blocked_and_ignored_signals() {
  constexpr unsigned long long own = 3ULL << 31U;
  std::ifstream status("/proc/self/status");
  std::string found;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigBlk:") || line.starts_with("SigIgn:")) {
      found += std::to_string(std::stoull(line.substr(8), nullptr, 16) & ~own) + " ";
    }
  }
  return found;
}

// One line for each start, so that starts can be counted.
void write_down_the_start(const kiln::client::Environment& environment,
                          const std::string& descriptors) {
  std::array<char, 4096> cwd{};
  const mode_t mask = ::umask(0);
  ::umask(mask);
  std::string line = "pid=" + std::to_string(::getpid());
  line += " fds=" + descriptors;
  line += std::string(" cwd=") + (::getcwd(cwd.data(), cwd.size()) != nullptr ? cwd.data() : "?");
  line += std::string(" detached=") +
          (::getsid(0) != ::getpid() && ::getppid() != ::getsid(0) ? "yes" : "no");
  line += " umask=" + std::to_string(mask);
  line += " signals=" + blocked_and_ignored_signals() + "env=";
  for (const auto& [name, value] : environment) line += name + ",";
  std::ofstream(std::string(value_of(environment, "KILN_LOG_FILE")), std::ios::app) << line + "\n";
}

UniqueFd listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::unlink(path.c_str());
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::exit(1);
  if (::listen(fd.get(), 1000) != 0) std::exit(1);
  return fd;
}

// False when it was told to stop.
bool serve(int fd) {
  const auto request = kiln::wire::receive_message(fd);
  if (!request) return true;
  if (std::holds_alternative<kiln::wire::Command>(request->message)) {
    const auto& command = std::get<kiln::wire::Command>(request->message);
    const std::string answer =
        command.name == "jobs" ? R"({"jobs":7})" : "{\"pid\":" + std::to_string(::getpid()) + "}";
    static_cast<void>(kiln::wire::send_message(fd, kiln::wire::CommandReply{}, {answer}));
    return command.name != "agent";
  }
  static_cast<void>(kiln::wire::send_message(fd, kiln::wire::CallDone{}, {"remote\n", ""}));
  return true;
}

}  // namespace

int main() {
  const std::string descriptors = open_descriptors();
  const auto environment = kiln::client::read_environment(environ);
  write_down_the_start(environment, descriptors);
  const auto config = value_of(environment, "KILN_CONFIG");
  if (config == "broken") return 1;
  if (config == "refuses") return ::write(3, "!KILN_X is wrong", 16) == 16 ? 1 : 2;
  while (config == "hangs") ::pause();
  const UniqueFd listener = listen_at(std::string(value_of(environment, "KILN_SOCKET")));
  if (::write(3, "+", 1) != 1) return 1;
  ::close(3);
  while (true) {
    const UniqueFd fd(::accept(listener.get(), nullptr, nullptr));
    if (!serve(fd.get())) return 0;
  }
}
