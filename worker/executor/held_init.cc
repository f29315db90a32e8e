#include "worker/executor/held_init.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "worker/executor/proof.h"
#include "worker/forkserver/held_process.h"
#include "worker/sandbox/ipc_objects.h"
#include "worker/sandbox/process.h"
#include "worker/sandbox/removal.h"
#include "worker/sandbox/root_path.h"

namespace kiln::worker {
namespace {

bool exists_in(const std::filesystem::path& lower, const std::string& path) {
  struct stat info {};
  return ::lstat((lower.native() + path).c_str(), &info) == 0;
}

class HeldInit {
 public:
  HeldInit(HeldInitSetup setup, int parent, Channel& host, Channel& executor)
      : setup_(std::move(setup)), parent_(parent), host_(host), executor_(executor) {}

  // Until it is of no more use; an error when it never was.
  Status serve() {
    proc_ = detached_proc();
    auto prepared = prepare();
    for (auto& state : setup_.states) {
      if (!prepared && state.problem.empty()) state.problem = prepared.error().message;
      if (state.problem.empty()) hold(state);
    }
    const bool serves = !ended_ && !programs_.empty();
    KILN_TRY(tell(serves));
    if (!serves) return {};
    bool again = true;
    while (again) {
      mounts_ = prepare_root_mounts(setup_.common.layout);
      const auto run = wait_for_task(host_, ends());
      again = run && serve_task(*run);
      tell_deaths();
    }
    return {};
  }

 private:
  struct Program {
    std::uint32_t number = 0;
    HeldProcess process;
  };

  struct Ran {
    Supervised task;
    bool forked = false;
    Program* program = nullptr;  // that the task was of
  };

  Status prepare() {
    if (!proc_.valid()) return fail(Errc::unsupported, "this kernel is too old to hold programs");
    KILN_TRY_ASSIGN(ipc_, IpcObjects::open(proc_.get()));
    settings_ = settings_of(::getpid(), proc_.get());
    if (!settings_) return fail(Errc::unsupported, "cannot read a process's own settings");
    return {};
  }

  // Starts a program and proves it; leaves word why not.
  void hold(HeldState& state) {
    if (ended_) return;
    auto started = HeldProcess::start(state.program, setup_.common.layout, setup_.common.identity,
                                      proc_.get());
    const auto number = static_cast<std::uint32_t>(&state - setup_.states.data());
    if (!started && state.proven) return tell_death(number);  // it could be held before
    if (!started) return give_up(state, started.error());
    Program program{number, std::move(*started)};
    const auto proven = state.proven ? Status() : prove(program, state.program);
    if (!proven) return give_up(state, proven.error());
    state.proven = true;
    programs_.push_back(std::move(program));
  }

  static void give_up(HeldState& state, const Error& problem) {
    state.problem = problem.message;
    state.lasting = problem.code == Errc::unsupported || problem.code == Errc::not_found;
  }

  // Errc::unsupported: it differs. A probe that leaves processes takes all held ones along.
  Status prove(Program& program, const HeldProgram& asked) {
    for (const auto& probe : probes_of(asked)) {
      KILN_TRY_ASSIGN(const auto executed, run_probe(probe, nullptr));
      KILN_TRY_ASSIGN(const auto forked, run_probe(probe, &program));
      auto problem = difference(probe, executed, forked);
      if (!problem.empty()) return fail(Errc::unsupported, std::move(problem));
    }
    return {};
  }

  Result<ProbeResult> run_probe(const RunRequest& request, Program* program) {
    KILN_TRY(remove_tree(setup_.probe_workspace));  // of a probe that did not end, here or before
    auto ran = run_in_root({request, setup_.probe_workspace}, parent_,
                           [program](const SupervisedRun&) { return program; });
    if (!ran.task.left_nothing) {
      ended_ = true;
      return fail(Errc::unavailable, "a probe of it did not end well: " + ran.task.end.message);
    }
    if (program != nullptr && !ran.forked) {
      leave_root(program);
      return fail(Errc::unavailable, "it cannot be forked");
    }
    ProbeResult result;
    result.outcome = ran.task.end.outcome;
    result.exit_code = ran.task.end.exit_code;
    result.signal = ran.task.end.signal;
    KILN_TRY_ASSIGN(result.standard_output, text_of(ran.task.standard_output));
    KILN_TRY_ASSIGN(result.standard_error, text_of(ran.task.standard_error));
    const auto upper = setup_.probe_workspace / "upper";
    KILN_TRY_ASSIGN(const auto outputs, collect_outputs(upper, ran.task.end.outputs));
    for (const auto& output : outputs) {
      KILN_TRY_ASSIGN(auto bytes, read_all(output.file.get()));
      result.outputs.push_back(std::move(bytes));
    }
    leave_root(program);
    KILN_TRY(remove_tree(setup_.probe_workspace));
    return result;
  }

  static Result<std::string> text_of(const UniqueFd& file) {
    if (!file.valid()) return std::string();
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail_errno("cannot rewind a file", errno);
    return read_all(file.get());
  }

  Status tell(bool serves) {
    HeldMessage message;
    message.serves = serves;
    for (const auto& state : setup_.states) {
      message.facts.push_back({state.program.program, state.problem, state.lasting});
    }
    return executor_.send_packed(MessageKind::held, message);
  }

  // Readable when there is no more task for this init.
  std::vector<int> ends() const {
    std::vector<int> ends{parent_};
    for (const auto& program : programs_) {
      for (const int fd : program.process.descriptors()) ends.push_back(fd);
    }
    return ends;
  }

  // Whether another may follow.
  bool serve_task(const RunMessage& message) {
    const TimePoint arrived = Clock::now();
    auto ran = run_in_root(message, host_.fd(), [&](const SupervisedRun& run) {
      return program_for(message.request, run);
    });
    const bool exited = ran.task.end.outcome == Outcome::exited;
    if (ran.forked && exited) {
      static_cast<void>(
          executor_.send_packed(MessageKind::fared, FaredMessage{ran.program->number, false}));
    }
    // What was killed with a task did not die by itself.
    if (!ran.task.left_nothing) programs_.clear();
    const bool again = exited && ran.task.left_nothing && !ended_ && is_clean();
    if (!report_end(host_, std::move(ran.task), arrived, again, ran.forked)) return false;
    return again && leave_root(ran.program);
  }

  // What a task, in its root, is to be forked from; none: it is executed.
  using Choice = std::function<Program*(const SupervisedRun&)>;

  Ran run_in_root(const RunMessage& message, int control, const Choice& choose) {
    Ran ran;
    const auto root = make_root(plan_root(message, setup_.common), mounts_);
    mounts_ = {};
    if (!root) {
      ran.task = without_root(root.error());
      return ran;
    }
    auto run = plan_run(message.request, setup_.common);
    run.root = run.command.root = root->get();
    if (control == host_.fd()) run.order = orders_of(host_);
    for (const auto& program : programs_) {
      for (const pid_t pid : program.process.pids()) run.bystanders.push_back(pid);
    }
    ran.program = choose(run);
    if (ran.program != nullptr) {
      run.start = [this, &ran](const CommandSpec& spec) { return fork(spec, ran); };
    }
    ran.task = supervise(run, control);
    return ran;
  }

  Program* program_for(const RunRequest& request, const SupervisedRun& run) {
    const auto file = open_in_root(run.root, request.program, O_PATH);
    const auto path = file.valid() ? path_below(run.root, file.get()) : std::nullopt;
    if (!path) return nullptr;
    const Candidate task{"/" + *path, run.command.environment, request.lowers};
    const auto found = std::find_if(programs_.begin(), programs_.end(), [&](const auto& program) {
      return may_fork(task, program.process.files(), exists_in);
    });
    return found == programs_.end() ? nullptr : &*found;
  }

  // A held process that fails costs the task nothing: the program is executed.
  Result<StartedCommand> fork(const CommandSpec& spec, Ran& ran) {
    auto started = ran.program->process.fork(spec);
    ran.forked = started.has_value();
    if (started) return started;
    const auto code = started.error().code;
    if (code != Errc::unavailable && code != Errc::timed_out) return started;
    tell_death(ran.program->number);
    ran.program = nullptr;
    programs_.clear();
    // It may have forked, and not said so.
    ::kill(-1, SIGKILL);
    while (::waitpid(-1, nullptr, __WALL) > 0) {
    }
    return start_command(spec);
  }

  // Nothing that a task could leave, but processes and mounts, is there.
  bool is_clean() const {
    return ipc_->none() && settings_of(::getpid(), proc_.get()) == settings_ &&
           std::all_of(programs_.begin(), programs_.end(), [this](const auto& program) {
             return program.process.is_unchanged(proc_.get());
           });
  }

  bool leave_root(Program* used) {
    if (used != nullptr) used->process.go_home();
    return drop_root(setup_.common.layout).has_value();
  }

  void tell_death(std::uint32_t number) {
    static_cast<void>(executor_.send_packed(MessageKind::fared, FaredMessage{number, true}));
    ended_ = true;
  }

  void tell_deaths() {
    for (const auto& program : programs_) {
      for (const int fd : program.process.descriptors()) {
        pollfd watched{fd, 0, 0};
        if (::poll(&watched, 1, 0) <= 0) continue;
        tell_death(program.number);
        break;
      }
    }
  }

  HeldInitSetup setup_;
  int parent_;
  Channel& host_;
  Channel& executor_;
  UniqueFd proc_;
  std::optional<IpcObjects> ipc_;
  std::optional<ProcessSettings> settings_;
  std::vector<Program> programs_;
  RootMounts mounts_;
  bool ended_ = false;  // nothing is held any more
};

}  // namespace

void run_held_init(HeldInitSetup setup, int parent, Channel host, Channel executor) {
  become_init();
  own_memory();
  ::_exit(HeldInit(std::move(setup), parent, host, executor).serve() ? 0 : 1);
}

}  // namespace kiln::worker
