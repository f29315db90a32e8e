#include "worker/executor/brood.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "worker/executor/executor.h"
#include "worker/executor/nursery.h"
#include "worker/executor/scratch.h"
#include "worker/executor/template.h"
#include "worker/sandbox/process.h"
#include "worker/sandbox/removal.h"

namespace kiln::worker {
namespace {

bool is_group_gone(pid_t group) {
  pid_t pid = 0;
  do {
    pid = ::waitpid(-group, nullptr, WNOHANG);
  } while (pid > 0);
  return pid < 0;
}

pid_t session_of(const std::filesystem::path& process) {
  const auto stat = read_file(process / "stat");
  const auto name_ends = stat ? stat->rfind(')') : std::string::npos;
  if (name_ends == std::string::npos) return 0;
  std::istringstream rest(stat->substr(name_ends + 1));
  std::string state;
  pid_t parent = 0, group = 0, session = 0;
  rest >> state >> parent >> group >> session;
  return session;
}

// Reaps what of it has become this process's own to reap. No member can be missed: it is there,
// alive or dead, until its parent reaps it, which itself is of the session or this process.
bool is_session_gone(pid_t session) {
  bool gone = true;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", code)) {
    const auto pid = static_cast<pid_t>(std::atoi(entry.path().filename().c_str()));
    if (pid <= 0 || session_of(entry.path()) != session) continue;
    if (::waitpid(pid, nullptr, WNOHANG) != pid) gone = false;
  }
  return gone && !code;
}

}  // namespace

void Brood::serve() {
  sigset_t child{};
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  signals_.reset(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  bool wanted = signals_.valid();
  while (wanted) {
    pollfd watched[2] = {{host_.fd(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) break;
    if (watched[1].revents != 0) reap();
    if (watched[0].revents != 0) wanted = handle_host();
  }
  end_all();
}

// False: it wants no more.
bool Brood::handle_host() {
  auto received = host_.receive();
  if (!received) return false;
  if (!*received) return true;
  auto& message = **received;
  const bool is_template = message.kind == MessageKind::breed;
  if (!is_template && message.kind != MessageKind::create) return false;
  if (message.descriptors.size() != 1) return false;
  const auto create = unpack<CreateMessage>(message.body);
  if (!create) return false;
  fork_child(is_template, *create, Channel(std::move(message.descriptors.front())));
  return true;
}

void Brood::fork_child(bool is_template, const CreateMessage& create, Channel channel) {
  const int own = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    close_all_but({channel.fd(), kNurseryLock});
    if (is_template) run_template(own, create, layout_, identity_, std::move(channel));
    const auto place = owner_ == Owner::nursery ? Place::its_own : Place::the_parents;
    run_executor(own, create, {layout_, identity_, place}, std::move(channel));
  }
  if (pid > 0) {
    children_[pid] = Child{create.id, is_template, false, {}};
    return;
  }
  const auto reason = system_error("cannot fork an executor", errno).message;
  static_cast<void>(host_.send_packed(MessageKind::gone, GoneMessage{create.id, reason}));
}

void Brood::reap() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) > 0) {
  }
  for (auto& [pid, child] : children_) {
    int status = 0;
    if (!child.dead && ::waitpid(pid, &status, WNOHANG) == pid) {
      child.dead = true;
      child.reason = describe_status(status);
    }
  }
  std::erase_if(children_, [this](const auto& entry) {
    const auto& [pid, child] = entry;
    if (!child.dead) return false;
    if (child.is_template ? !is_session_gone(pid) : !is_group_gone(pid)) return false;
    // What it was proving when it died; that of its task is the host's to remove.
    static_cast<void>(remove_tree(probe_workspace(layout_, pid)));
    static_cast<void>(host_.send_packed(MessageKind::gone, GoneMessage{child.id, child.reason}));
    return true;
  });
}

void Brood::end_all() {
  for (const auto& [pid, child] : children_) ::kill(pid, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

}  // namespace kiln::worker
