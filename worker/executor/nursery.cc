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

#include "worker/executor/build_identity.h"
#include "worker/executor/executor.h"
#include "worker/executor/process.h"
#include "worker/sandbox/namespaces.h"
#include "worker/sandbox/probe.h"
#include "worker/sandbox/signals.h"

namespace kiln::worker {
namespace {

class Nursery {
 public:
  Nursery(const NurserySetup& setup, Channel& host)
      : identity_(setup.identity), layout_{setup.scratch}, host_(host) {}

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
      close_all_but({channel.fd(), kNurseryLock});
      run_executor(nursery, create, layout_, identity_, std::move(channel));
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

  const Identity identity_;
  const ScratchLayout layout_;
  Channel& host_;
  UniqueFd signals_;
  std::map<pid_t, Child> executors_;  // by pid, which is also its process group
};

Status become_nursery(const NurserySetup& setup) {
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  // Above 2, see fill_standard_descriptors.
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid() || ::dup2(null.get(), 0) < 0) return fail_errno("cannot use /dev/null", errno);
  if (::chdir("/") != 0) return fail_errno("cannot enter /", errno);
  KILN_TRY(enter_nursery_namespaces(setup.identity));
  if (!die_with_parent(setup.parent)) return fail(Errc::unavailable, "the worker is gone");
  return {};
}

// What a worker was started without would else be given to the first file that is opened.
void fill_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= 2) fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0) ::close(fd);
}

// The scratch directory as tasks will use it.
Result<UniqueFd> open_scratch(const NurserySetup& setup) {
  if (setup.memory_bytes > 0) {
    KILN_TRY(mount_memory_scratch({setup.scratch}, setup.identity, setup.memory_bytes));
  }
  KILN_TRY(probe_sandbox(setup.scratch, setup.identity));
  UniqueFd fd(::open(setup.scratch.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("cannot open " + setup.scratch.string(), errno);
  return fd;
}

Result<NurserySetup> wait_for_setup(Channel& host) {
  pollfd watched{host.fd(), POLLIN, 0};
  while (::poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
  KILN_TRY_ASSIGN(const auto received, host.receive());
  if (!received || received->kind != MessageKind::setup)
    return fail(Errc::corrupt, "the nursery was not told its setup");
  return unpack<NurserySetup>(received->body);
}

Status serve(const std::string& build, Channel& host) {
  if (build != build_identity()) {
    return fail(Errc::version_mismatch, "kiln-nursery is of the build " + build_identity() +
                                            ", kiln-worker of " + build +
                                            "; install both from one build");
  }
  KILN_TRY_ASSIGN(const auto setup, wait_for_setup(host));
  KILN_TRY(become_nursery(setup));
  KILN_TRY_ASSIGN(const auto scratch, open_scratch(setup));
  KILN_TRY(host.send(MessageKind::begun, {}, {scratch.get()}));
  Nursery nursery(setup, host);
  nursery.serve();
  nursery.end_all();
  return {};
}

}  // namespace

void run_nursery(const std::string& build) {
  set_up_signals();
  close_all_but({kNurseryChannel, kNurseryLock});
  fill_standard_descriptors();
  Channel host{UniqueFd(kNurseryChannel)};
  const auto served = serve(build, host);
  if (served) ::_exit(0);
  const BrokenMessage broken{served.error().code, served.error().message};
  static_cast<void>(host.send_packed(MessageKind::broken, broken));
  ::_exit(1);
}

}  // namespace kiln::worker
