#include "worker/executor/executor.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/time.h"
#include "worker/executor/executor_place.h"
#include "worker/executor/held_init.h"
#include "worker/executor/scratch.h"
#include "worker/executor/task_init.h"
#include "worker/sandbox/namespaces.h"
#include "worker/sandbox/process.h"

namespace kiln::worker {
namespace {

// An executor keeps two inits: one for the task that runs, and one that waits, with its namespaces
// made, for the next. Each serves one task and dies.
constexpr std::size_t kInits = 2;
// How long after a task's end the next init is made, if one waits already: what a task's end leaves
// to do, here and at whoever waits for its result, comes first.
constexpr auto kBreath = milliseconds(5);

constexpr auto kShortLife = seconds(1);
constexpr int kMostStillborn = 3;
// Of a held program, without a task's success between.
constexpr int kMostRebuilds = 3;

class Executor {
 public:
  Executor(const ExecutorSetup& setup, const std::vector<HeldProgram>& held, Channel& host)
      : setup_(setup), host_(host) {
    for (const auto& program : held) {
      held_.push_back({program, program.problem, !program.problem.empty(), program.proven, 0});
    }
  }

  // Until the host wants no more, or until no init can be made.
  Status serve() {
    self_.reset(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (!self_.valid()) return fail_errno("cannot make a pidfd", errno);
    // Else an init says so that holds programs.
    if (!held_.empty() && !is_holding()) KILN_TRY(tell_held());
    KILN_TRY(fill_up());
    while (true) {
      std::vector<pollfd> watched{{host_.fd(), POLLIN, 0}};
      for (const auto& init : inits_) {
        watched.push_back({init.process.pidfd.get(), POLLIN, 0});
        watched.push_back({init.news.fd(), POLLIN, 0});
      }
      if (::poll(watched.data(), watched.size(), patience()) < 0 && errno != EINTR) return {};
      for (std::size_t i = inits_.size(); i-- > 0;) {
        if (watched[2 * i + 2].revents != 0) KILN_TRY(read_news(inits_[i]));
        if (watched[2 * i + 1].revents != 0) KILN_TRY(bury(i));
      }
      if (watched[0].revents != 0 && !is_wanted()) return {};
      if (inits_.empty()) KILN_TRY(add_init());
      if (Clock::now() >= fill_at_) KILN_TRY(fill_up());
    }
  }

 private:
  struct Init {
    std::uint32_t number = 0;
    ForkedInit process;
    TimePoint began;
    Channel news;      // from one that holds programs
    Channel for_host;  // of one that is not yet ready
  };

  // The only word of the host's is stop, and its hang-up means the same.
  bool is_wanted() {
    const auto received = host_.receive();
    return received && !*received;
  }

  bool is_holding() const {
    return std::any_of(held_.begin(), held_.end(),
                       [](const auto& state) { return state.problem.empty(); });
  }

  // Of poll: until the next init is due.
  int patience() const {
    if (fill_at_ == TimePoint::max()) return -1;
    const auto left = std::chrono::ceil<milliseconds>(fill_at_ - Clock::now());
    return static_cast<int>(std::max(left, milliseconds(0)).count());
  }

  // One will do when there is no room for two, and when it holds programs.
  Status fill_up() {
    fill_at_ = TimePoint::max();
    while (inits_.size() < (is_holding() ? 1 : kInits)) {
      auto added = add_init();
      if (!added && inits_.empty()) return added;
      if (!added) return {};
    }
    return {};
  }

  Status add_init() {
    KILN_TRY_ASSIGN(auto channel, Channel::make_pair());
    std::pair<Channel, Channel> news;
    if (is_holding()) {
      KILN_TRY_ASSIGN(news, Channel::make_pair());
    }
    KILN_TRY_ASSIGN(auto forked, fork_init(setup_.identity));
    if (forked.pid == 0) {
      host_.close();
      inits_.clear();
      channel.first.close();
      news.first.close();
      const InitSetup common{setup_.layout, setup_.identity};
      if (!is_holding()) run_task_init(common, self_.get(), std::move(channel.second));
      run_held_init({common, held_, probe_workspace(setup_.layout, own_pid_)}, self_.get(),
                    std::move(channel.second), std::move(news.second));
    }
    inits_.push_back({++last_number_, std::move(forked), Clock::now(), std::move(news.first),
                      std::move(channel.first)});
    return is_holding() ? Status() : announce(inits_.back());
  }

  Status announce(Init& init) {
    const InitMessage ready{init.number, init.process.pid, own_pid_};
    const auto fd = init.for_host.release();
    return host_.send_packed(MessageKind::ready, ready, {fd.get()});
  }

  // What an init says of the programs that it is to hold.
  Status read_news(Init& init) {
    while (init.news.fd() >= 0) {
      auto received = init.news.receive();
      if (received && !*received) return {};
      if (!received) {
        init.news.close();
        return {};
      }
      const auto& message = **received;
      if (message.kind == MessageKind::held) {
        KILN_TRY_ASSIGN(const auto held, unpack<HeldMessage>(message.body));
        KILN_TRY(note(init, held));
      } else {
        KILN_TRY_ASSIGN(const auto fared, unpack<FaredMessage>(message.body));
        KILN_TRY(note(fared));
      }
    }
    return {};
  }

  Status note(Init& init, const HeldMessage& held) {
    for (std::size_t i = 0; i < std::min(held.facts.size(), held_.size()); ++i) {
      held_[i].problem = held.facts[i].problem;
      held_[i].lasting = held.facts[i].lasting;
      held_[i].proven = held.serves && held_[i].problem.empty();
    }
    KILN_TRY(tell_held());
    return held.serves ? announce(init) : Status();
  }

  Status note(const FaredMessage& fared) {
    if (fared.program >= held_.size()) return {};
    auto& state = held_[fared.program];
    state.deaths = fared.died ? state.deaths + 1 : 0;
    if (state.deaths < kMostRebuilds) return {};
    state.problem = "its process died " + std::to_string(state.deaths) + " times in a row";
    return tell_held();
  }

  Status tell_held() {
    HeldMessage message;
    for (const auto& state : held_) {
      message.facts.push_back({state.program.program, state.problem, state.lasting});
    }
    return host_.send_packed(MessageKind::held, message);
  }

  // The init is dead, and with it every process and mount of its task. An error when that happens
  // to one after the other at once: making more of them would help nobody.
  Status bury(std::size_t index) {
    KILN_TRY(read_news(inits_[index]));
    int status = 0;
    ::waitpid(inits_[index].process.pid, &status, 0);
    const LostMessage lost{inits_[index].number, describe_status(status)};
    const bool stillborn = status != 0 && Clock::now() - inits_[index].began < kShortLife;
    inits_.erase(inits_.begin() + static_cast<std::ptrdiff_t>(index));
    static_cast<void>(host_.send_packed(MessageKind::lost, lost));
    fill_at_ = Clock::now() + kBreath;
    stillborn_ = stillborn ? stillborn_ + 1 : 0;
    if (stillborn_ < kMostStillborn) return {};
    return fail(Errc::unavailable, std::to_string(stillborn_) +
                                       " inits in a row died at once without a task's end; the "
                                       "last one " +
                                       lost.reason);
  }

  const ExecutorSetup& setup_;
  Channel& host_;
  const pid_t own_pid_ = ::getpid();
  std::vector<HeldState> held_;
  UniqueFd self_;  // a pidfd, for the inits
  std::vector<Init> inits_;
  TimePoint fill_at_ = TimePoint::max();  // when an init is missing
  std::uint32_t last_number_ = 0;
  int stillborn_ = 0;  // in a row
};

Status serve(int parent, const CreateMessage& create, const ExecutorSetup& setup, Channel& host) {
  KILN_TRY(join_parent(parent));
  if (setup.place == Place::its_own) {
    KILN_TRY(enter_executor_place(create.hostname, setup.layout, setup.identity));
  }
  KILN_TRY(shut_in(setup.identity));
  return Executor(setup, create.held, host).serve();
}

}  // namespace

void run_executor(int parent, const CreateMessage& create, const ExecutorSetup& setup,
                  Channel host) {
  const auto served = serve(parent, create, setup, host);
  if (served) ::_exit(0);
  const BrokenMessage broken{served.error().code, served.error().message};
  static_cast<void>(host.send_packed(MessageKind::broken, broken));
  ::_exit(1);
}

}  // namespace kiln::worker
