// What an ExecutorHost knows of its templates, executors and tasks, and how it follows what they
// say.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "common/base/unique_fd.h"
#include "worker/executor/channel.h"
#include "worker/executor/executor_host.h"

namespace kiln::worker {

struct ExecutorHost::State {
  struct Init {
    std::uint32_t number = 0;
    pid_t pid = 0;
    Channel channel;
  };
  struct Running {
    AttemptId attempt;
    std::filesystem::path workspace;
    std::optional<Init> init;        // none yet: both are just being replaced
    std::optional<RunMessage> task;  // until an init has it
    std::optional<Error> unsent;     // why no init could be given it
    bool cancelled = false;
    bool terminated = false;
    TimePoint patience_ends = TimePoint::max();  // after a cancel
  };
  struct Executor {
    Channel channel;
    std::deque<Init> waiting;  // inits
    bool ready = false;        // once and for all: its end is the nursery's to tell
    bool stopping = false;
    std::optional<Running> running;
    std::optional<Error> reason;  // what it said when it broke
    std::optional<TemplateId> parent;
    pid_t pid = 0;
    std::vector<HeldFact> held;
  };
  using Executors = std::map<ExecutorId, Executor>;

  struct Template {
    Channel channel;
    bool ready = false;
    bool stopping = false;  // it is told so when it has no executors any more
    std::optional<Error> reason;
  };
  using Templates = std::map<TemplateId, Template>;

  HostOptions options;
  UniqueFd lock;
  UniqueFd scratch;  // as the nursery sees it
  std::filesystem::path workspaces;
  UniqueFd epoll;
  UniqueFd timer;  // for the first cancelled task whose end is overdue
  pid_t nursery_pid = -1;
  Channel nursery;
  Executors executors;
  Templates templates;
  std::uint64_t last_id = 0;  // of executors and templates
  std::uint64_t last_task = 0;

  // Of epoll: executors and templates, and an executor's inits, which count from 1.
  static constexpr std::uint64_t kNurseryTag = 0;
  static constexpr std::uint64_t kTimerTag = 1;
  static std::uint64_t tag_of(std::uint64_t id, std::uint32_t init = 0) { return id << 32U | init; }

  Status watch(int fd, std::uint64_t tag);
  // Hands `create` to whoever is to fork it, and returns this side's end of its channel.
  Result<Channel> ask(Channel& forker, MessageKind kind, const CreateMessage& create);
  void read_ready(std::uint64_t tag, ExecutorEvents& events);

  // Those that live, or have not yet been told dead.
  std::vector<ExecutorId> executors_of(TemplateId id) const;
  void read_nursery(ExecutorEvents& events);
  void read_template(Templates::iterator at, ExecutorEvents& events);
  void note_gone(const GoneMessage& gone, ExecutorEvents& events);
  void bury_template(Templates::iterator at, const std::string& reason, ExecutorEvents& events);
  void stop_if_empty(TemplateId id);
  void read_executor(Executors::iterator at, ExecutorEvents& events);
  void handle(Executors::iterator at, LocalMessage message, ExecutorEvents& events);
  void bury(Executors::iterator at, const std::string& reason, ExecutorEvents& events);
  void give_up(ExecutorEvents& events);

  void set_timer();
  void look_at_clock(TimePoint now, ExecutorEvents& events);
  void add_init(Executors::iterator at, LocalMessage message, ExecutorEvents& events);
  void start_waiting(Executor& executor);
  void read_init(Executors::iterator at, std::uint32_t number, ExecutorEvents& events);
  void lose_init(Executors::iterator at, const LostMessage& lost, ExecutorEvents& events);
  void end_task(Executors::iterator at, RunReport report, ExecutorEvents& events);
  void finish(Executors::iterator at, LocalMessage message, ExecutorEvents& events);
  void lose_task(Executors::iterator at, const std::string& message, ExecutorEvents& events);
};

}  // namespace kiln::worker
