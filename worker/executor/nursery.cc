// Telling when an executor's last process is dead: the nursery is a subreaper, so the inits of a
// dead executor become its children, and they kept the executor's process group. (The commands did
// not, but a PID namespace's init is not dead before they are.) When waiting for that group says
// that there is nobody, all are gone and nothing writes into the task's directory any more.
#include "worker/executor/nursery.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/executor/executor.h"
#include "worker/executor/process.h"
#include "worker/sandbox/namespaces.h"
#include "worker/sandbox/probe.h"

namespace kiln::worker {
namespace {

class Nursery {
 public:
  Nursery(const NurserySetup& setup, Channel host) : setup_(setup), host_(std::move(host)) {}

  void serve() {
    sigset_t child{};
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    signals_.reset(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    while (signals_.valid()) {
      pollfd watched[2] = {{host_.fd(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
      if (::poll(watched, 2, -1) < 0 && errno != EINTR) return;
      if (watched[1].revents != 0) reap();
      if (watched[0].revents != 0 && !handle_host()) return;
    }
  }

  // Ends every executor, and waits until nothing of them is left.
  void end_all() {
    for (const auto& [pid, executor] : executors_) ::kill(pid, SIGKILL);
    while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
  }

 private:
  struct Child {
    std::uint64_t executor = 0;
    bool dead = false;  // but processes of its group may live
    std::string reason;
  };

  bool handle_host() {
    auto received = host_.receive();
    if (!received) return false;
    if (!*received) return true;
    auto& message = **received;
    if (message.kind != MessageKind::create || message.descriptors.size() != 1) return false;
    const auto create = unpack<CreateMessage>(message.body);
    if (!create) return false;
    fork_executor(*create, Channel(std::move(message.descriptors.front())));
    return true;
  }

  void fork_executor(const CreateMessage& create, Channel channel) {
    const int nursery = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
      close_all_but({channel.fd(), setup_.lock});
      run_executor(nursery, create, setup_.layout, setup_.identity, std::move(channel));
    }
    if (pid > 0) {
      executors_[pid] = Child{create.executor, false, {}};
      return;
    }
    const auto reason = system_error("cannot fork an executor", errno).message;
    static_cast<void>(host_.send_packed(MessageKind::gone, GoneMessage{create.executor, reason}));
  }

  void reap() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) > 0) {
    }
    for (auto& [pid, child] : executors_) {
      int status = 0;
      if (!child.dead && ::waitpid(pid, &status, WNOHANG) == pid) {
        child.dead = true;
        child.reason = describe_status(status);
      }
    }
    std::erase_if(executors_, [this](const auto& entry) {
      return entry.second.dead && is_group_gone(entry.first) && tell_gone(entry.second);
    });
  }

  static bool is_group_gone(pid_t group) {
    pid_t pid = 0;
    do {
      pid = ::waitpid(-group, nullptr, WNOHANG);
    } while (pid > 0);
    return pid < 0;
  }

  bool tell_gone(const Child& child) {
    static_cast<void>(
        host_.send_packed(MessageKind::gone, GoneMessage{child.executor, child.reason}));
    return true;
  }

  const NurserySetup& setup_;
  Channel host_;
  UniqueFd signals_;
  std::map<pid_t, Child> executors_;  // by pid, which is also its process group
};

Status become_nursery(const NurserySetup& setup) {
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid() || ::dup2(null.get(), 0) < 0) return fail_errno("cannot use /dev/null", errno);
  if (::chdir("/") != 0) return fail_errno("cannot enter /", errno);
  KILN_TRY(enter_nursery_namespaces(setup.identity));
  if (!die_with_parent(setup.parent)) return fail(Errc::unavailable, "the worker is gone");
  return {};
}

// The scratch directory as tasks will use it.
Result<UniqueFd> open_scratch(const NurserySetup& setup) {
  if (setup.memory_bytes > 0) {
    KILN_TRY(mount_memory_scratch(setup.layout, setup.identity, setup.memory_bytes));
  }
  KILN_TRY(probe_sandbox(setup.layout.scratch, setup.identity));
  const auto* path = setup.layout.scratch.c_str();
  UniqueFd fd(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("cannot open " + setup.layout.scratch.string(), errno);
  return fd;
}

}  // namespace

void run_nursery(const NurserySetup& setup, Channel host) {
  set_up_signals();
  close_all_but({host.fd(), setup.lock});
  const auto become = become_nursery(setup);
  const auto scratch = become ? open_scratch(setup) : fail(become.error());
  if (!scratch) {
    const BrokenMessage broken{scratch.error().code, scratch.error().message};
    static_cast<void>(host.send_packed(MessageKind::broken, broken));
    ::_exit(1);
  }
  if (!host.send(MessageKind::begun, {}, {scratch->get()})) ::_exit(1);
  Nursery nursery(setup, std::move(host));
  nursery.serve();
  nursery.end_all();
  ::_exit(0);
}

}  // namespace kiln::worker
