#include "worker/executor/executor.h"

#include <cerrno>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "worker/executor/process.h"
#include "worker/executor/task_init.h"
#include "worker/sandbox/devices.h"
#include "worker/sandbox/namespaces.h"

namespace kiln::worker {
namespace {

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class Executor {
 public:
  Executor(const ScratchLayout& layout, const Identity& identity, Channel host)
      : layout_(layout), identity_(identity), host_(std::move(host)) {}

  // Until the host wants no more.
  void serve() {
    while (host_.fd() >= 0) {
      pollfd watched[2] = {{host_.fd(), POLLIN, 0}, {init_.pidfd.get(), POLLIN, 0}};
      if (::poll(watched, 2, -1) < 0 && errno != EINTR) return;
      if (watched[1].revents != 0) finish_task();
      if (watched[0].revents != 0 && !handle_host()) return;
    }
  }

 private:
  // False: this executor is to end.
  bool handle_host() {
    auto received = host_.receive();
    if (!received) return false;
    if (!*received) return true;
    switch ((*received)->kind) {
      case MessageKind::run:
        return start_task((*received)->body);
      case MessageKind::cancel:
        if (busy()) static_cast<void>(control_.send(MessageKind::cancel));
        return true;
      case MessageKind::stop:
        stop_task();
        return false;
      default:
        return false;
    }
  }

  bool busy() const { return init_.pidfd.valid(); }

  bool start_task(const std::string& body) {
    arrived_ns_ = monotonic_ns();
    auto run = unpack<RunMessage>(body);
    if (!run || busy()) return false;
    auto channel = Channel::make_pair();
    if (!channel) return report_failure(channel.error());
    auto forked = fork_init(identity_);
    if (!forked) return report_failure(forked.error());
    if (forked->pid == 0) {
      host_.close();
      channel->first.close();
      run_task_init(*run, layout_, identity_, std::move(channel->second));
    }
    init_ = std::move(*forked);
    control_ = std::move(channel->first);
    return true;
  }

  bool report_failure(const Error& error) {
    TaskEnd end;
    end.message = error.message;
    return host_.send_packed(MessageKind::finished, end).has_value();
  }

  // The init is dead, and with it every process and mount of its task.
  void finish_task() {
    int status = 0;
    ::waitpid(init_.pid, &status, 0);
    init_.pidfd.reset();
    auto received = control_.receive();
    control_.close();
    TaskEnd end;
    std::vector<int> files;
    if (received && *received && (*received)->kind == MessageKind::finished) {
      if (auto unpacked = unpack<TaskEnd>((*received)->body)) end = std::move(*unpacked);
      for (const auto& fd : (*received)->descriptors) files.push_back(fd.get());
    } else {
      end.outcome = Outcome::executor_lost;
      end.message = "the task's init " + describe_status(status);
    }
    if (end.started_ns != 0) {
      const auto outside = (end.started_ns - arrived_ns_) + (monotonic_ns() - end.ended_ns);
      end.usage.root_us = static_cast<std::uint64_t>(outside / 1000);
    }
    static_cast<void>(host_.send_packed(MessageKind::finished, end, files));
  }

  void stop_task() {
    if (!busy()) return;
    static_cast<void>(control_.send(MessageKind::cancel));
    finish_task();
  }

  ScratchLayout layout_;
  Identity identity_;
  Channel host_;
  ForkedInit init_;
  Channel control_;  // to the init
  std::int64_t arrived_ns_ = 0;
};

Status prepare(int parent, const CreateMessage& create, const ScratchLayout& layout,
               const Identity& identity) {
  // Its own process group: the nursery waits by it for what outlives an executor.
  if (::setpgid(0, 0) != 0) return fail_errno("cannot make a process group", errno);
  if (!die_with_parent(parent)) return fail(Errc::unavailable, "the nursery is gone");
  KILN_TRY(enter_executor_namespaces(identity, create.hostname));
  KILN_TRY(mount_devices(layout.devices(), identity));
  // The worker's keys are none of a task's business. Refused in containers, which have no keys.
  ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  // What a task may use up should not cost the worker its life when memory runs out. Refused in
  // some containers; then all are equal.
  const UniqueFd adjust(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (adjust.valid()) static_cast<void>(write_all(adjust.get(), "500"));
  // Nothing that is executed below here can gain a capability.
  for (int capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
  }
  return {};
}

}  // namespace

void run_executor(int parent, const CreateMessage& create, const ScratchLayout& layout,
                  const Identity& identity, Channel host) {
  if (auto prepared = prepare(parent, create, layout, identity); !prepared) {
    const BrokenMessage broken{prepared.error().code, prepared.error().message};
    static_cast<void>(host.send_packed(MessageKind::broken, broken));
    ::_exit(1);
  }
  if (!host.send(MessageKind::ready)) ::_exit(1);
  Executor(layout, identity, std::move(host)).serve();
  ::_exit(0);
}

}  // namespace kiln::worker
