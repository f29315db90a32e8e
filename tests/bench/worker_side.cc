// What a build costs on a worker alone: root, staging, executor, compile, outputs and clean-up, but
// no client and no network; beside the same compiles started plainly on the same cores, in turns.
//
// usage: worker_side DIRECTORY < JOB, where JOB is
//   {"calls": [{"argv", "cwd", "output"}, …], "jobs": N, "rounds": N, "contexts": ["spawn", …]}
// and the answer {"local": [seconds, …], "spawn": […], …, "unlike_local": N, "facts": [text, …]}.
#include <array>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/agent/prepare.h"
#include "common/base/files.h"
#include "common/base/thread_pool.h"
#include "common/net/reactor.h"
#include "common/store/blob_store.h"
#include "worker/executor/executor_host.h"
#include "worker/server/make_result.h"
#include "worker/staging/tree_stager.h"

namespace kiln::bench {
namespace {

using client::PreparedUnit;
using nlohmann::json;

struct Call {
  std::vector<std::string> argv;
  std::string cwd;
  std::string output;
};

client::Environment own_environment() {
  client::Environment environment;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string text = *one;
    const auto equals = text.find('=');
    environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

// ---- The plain build ---------------------------------------------------------------------------

pid_t start_plainly(const Call& call) {
  std::vector<char*> argv;
  for (const auto& word : call.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, call.cwd.c_str());
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, argv.front(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? pid : -1;
}

Result<Duration> build_plainly(const std::vector<Call>& calls, std::size_t jobs) {
  const TimePoint begin = Clock::now();
  std::size_t running = 0;
  for (std::size_t next = 0; next < calls.size() || running > 0;) {
    if (next < calls.size() && running < jobs) {
      if (start_plainly(calls[next++]) < 0) return fail(Errc::io, "cannot start a compiler");
      ++running;
      continue;
    }
    int status = 0;
    ::waitpid(-1, &status, 0);
    if (status != 0) return fail(Errc::internal, "a local compile failed");
    --running;
  }
  return Clock::now() - begin;
}

// ---- The worker --------------------------------------------------------------------------------

class WorkerSide : private worker::ExecutorEvents {
 public:
  static Result<std::unique_ptr<WorkerSide>> create(const std::filesystem::path& directory) {
    std::unique_ptr<WorkerSide> side(new WorkerSide());
    worker::HostOptions options;
    options.scratch = directory / "scratch";
    KILN_TRY_ASSIGN(side->host_, worker::ExecutorHost::start(options));
    KILN_TRY_ASSIGN(side->reactor_, net::Reactor::create());
    KILN_TRY_ASSIGN(side->store_, store::BlobStore::open({.directory = directory / "store",
                                                          .limit_bytes = 0,
                                                          .file_system = nullptr}));
    worker::TreeStager::Options staging;
    staging.directory = directory / "store";
    KILN_TRY_ASSIGN(side->stager_, worker::TreeStager::open(staging, *side->store_));
    auto* self = side.get();
    KILN_TRY(side->reactor_->watch_fd(side->host_->fd(), EPOLLIN,
                                      [self](std::uint32_t) { self->host_->on_readable(*self); }));
    return side;
  }

  Status add(PreparedUnit unit) {
    for (const auto* tree : {&unit.inputs->listings, &unit.toolchain->listings}) {
      for (const auto& [digest, text] : *tree) KILN_TRY(keep(store_->put(digest, text)));
    }
    for (const auto* files : {&unit.inputs->files, &unit.toolchain->files}) {
      for (const auto& file : *files) {
        if (store_->pin(file.digest)) continue;
        const UniqueFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
        KILN_TRY(keep(store_->put_file(fd.get())));
      }
    }
    if (!toolchain_.hold) {
      KILN_TRY_ASSIGN(toolchain_, stager_->stage_toolchain(unit.task.toolchain));
      program_ = unit.task.program;
    }
    units_.push_back(std::move(unit));
    return {};
  }

  // Makes `count` executors and waits until they are ready. Gives what is to be known of them.
  Result<std::vector<std::string>> warm(const std::string& context, std::size_t count) {
    worker::ExecutorSpec spec;
    if (context == "forkserver") spec.held = {{toolchain_.lowers, program_}};
    idle_.clear();
    wanted_ = count;
    for (std::size_t i = 0; i < count; ++i) KILN_TRY(host_->create(spec));
    reactor_->run();
    KILN_TRY(trouble_);
    std::vector<std::string> facts;
    for (const auto& fact : host_->held(idle_.front())) {
      facts.push_back(fact.program + ": " + (fact.problem.empty() ? "held" : fact.problem));
    }
    return facts;
  }

  Result<Duration> build() {
    const TimePoint begin = Clock::now();
    next_ = done_ = 0;
    staged_.clear();
    digests_.assign(units_.size(), Digest());
    wanted_ = 0;
    for (std::size_t i = 0; i < 2 * idle_.size(); ++i) stage_next();
    reactor_->run();
    KILN_TRY(trouble_);
    return Clock::now() - begin;
  }

  void cool() {
    stopping_ = idle_.size();
    for (const auto id : idle_) host_->stop(id);
    reactor_->run();
  }

  // Of each unit's first output, by the last build.
  const std::vector<Digest>& digests() const { return digests_; }

 private:
  WorkerSide() = default;

  Status keep(Result<store::Pin> pin) {
    if (!pin) return fail(pin.error());
    pins_.push_back(std::move(*pin));
    return {};
  }

  // One task a slot runs, and the next one's inputs are staged meanwhile, as a worker does.
  void stage_next() {
    if (next_ == units_.size()) return;
    const std::size_t at = next_++;
    auto tree = std::make_shared<Result<worker::StagedTree>>(worker::StagedTree());
    reactor_->offload(
        pool_, [this, at, tree] { *tree = stager_->stage_inputs(units_[at].task.inputs); },
        [this, at, tree] {
          if (!*tree) return stop(tree->error());
          staged_.emplace_back(at, std::move(**tree));
          run_staged();
        });
  }

  void run_staged() {
    while (!idle_.empty() && !staged_.empty()) {
      auto [at, tree] = std::move(staged_.front());
      staged_.erase(staged_.begin());
      const auto id = idle_.back();
      idle_.pop_back();
      const Task& task = units_[at].task;
      worker::RunRequest request;
      request.attempt = {1, at};
      request.program = task.program;
      request.argv = task.argv;
      request.environment = task.environment;
      request.cwd = task.cwd;
      request.umask = task.umask;
      request.lowers = tree.lowers;
      request.lowers.insert(request.lowers.end(), toolchain_.lowers.begin(),
                            toolchain_.lowers.end());
      request.outputs = task.outputs;
      request.limits = task.limits;
      held_trees_[at] = std::move(tree);
      if (const auto started = host_->run(id, request); !started) return stop(started.error());
    }
  }

  void executor_ready(worker::ExecutorId id) override {
    idle_.push_back(id);
    if (idle_.size() == wanted_) reactor_->stop();
  }

  void task_finished(worker::ExecutorId id, worker::RunReport report) override {
    idle_.push_back(id);
    stage_next();
    run_staged();
    const auto at = report.attempt.number;
    if (report.outcome != Outcome::exited || report.exit_code != 0)
      return stop(Error{Errc::internal, "a task failed: " + report.message});
    auto job = std::make_shared<worker::Job>();
    auto shared = std::make_shared<worker::RunReport>(std::move(report));
    reactor_->offload(
        pool_,
        [this, job, shared] {
          job->result = make_result(*job, *shared, *store_);
          static_cast<void>(worker::release(shared->workspace));
        },
        [this, job, at] {
          const auto& outputs = job->result->message.result.outputs;
          if (!outputs.empty()) digests_[at] = outputs.front().digest;
          held_trees_.erase(at);
          if (++done_ == units_.size()) reactor_->stop();
        });
  }

  void executor_died(worker::ExecutorId, Error reason) override { stop(reason); }
  void executor_stopped(worker::ExecutorId) override {
    if (--stopping_ == 0) reactor_->stop();
  }
  void host_failed(Error reason) override { stop(reason); }

  void stop(const Error& error) {
    trouble_ = fail(error);
    reactor_->stop();
  }

  std::unique_ptr<worker::ExecutorHost> host_;
  std::unique_ptr<store::BlobStore> store_;
  std::unique_ptr<worker::TreeStager> stager_;
  std::vector<store::Pin> pins_;
  std::vector<PreparedUnit> units_;
  worker::StagedTree toolchain_;
  std::string program_;
  std::vector<worker::ExecutorId> idle_;
  std::size_t wanted_ = 0;
  std::size_t stopping_ = 0;
  std::size_t next_ = 0;
  std::size_t done_ = 0;
  std::vector<std::pair<std::size_t, worker::StagedTree>> staged_;
  std::map<std::size_t, worker::StagedTree> held_trees_;  // of the tasks that run
  std::vector<Digest> digests_;
  Status trouble_;
  ThreadPool pool_{2};
  std::unique_ptr<net::Reactor> reactor_;
};

// ---- Both --------------------------------------------------------------------------------------

Status prepare(WorkerSide& side, const std::vector<Call>& calls,
               const std::filesystem::path& directory) {
  client::SlotOptions lane;
  lane.directory = (directory / "slots").string();
  KILN_TRY_ASSIGN(auto slots, client::LocalSlots::open(std::move(lane)));
  client::Preparer preparer(directory / "toolchains", std::move(slots));
  for (const auto& call : calls) {
    wire::Call message;
    message.argv = call.argv;
    message.program = "/usr/bin/" + call.argv.front();
    message.cwd = call.cwd;
    message.environment = own_environment();
    auto outcome = preparer.prepare(message, {});
    auto* prepared = std::get_if<client::Prepared>(&outcome);
    if (prepared == nullptr) {
      return fail(Errc::unsupported,
                  call.argv.back() + " is local: " + std::get<client::Local>(outcome).reason);
    }
    KILN_TRY(side.add(std::move(prepared->units.front())));
  }
  return {};
}

std::size_t unlike_local(const WorkerSide& side, const std::vector<Call>& calls) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto content = read_file(std::filesystem::path(calls[i].cwd) / calls[i].output);
    if (!content || digest_of(*content) != side.digests()[i]) ++count;
  }
  return count;
}

Result<json> measure(const json& job, const std::filesystem::path& directory) {
  std::vector<Call> calls;
  for (const auto& call : job.at("calls"))
    calls.push_back({call.at("argv"), call.at("cwd"), call.at("output")});
  const std::size_t jobs = job.at("jobs");
  const std::size_t rounds = job.at("rounds");
  // First of all: executors descend from a process that is forked while there is one thread.
  KILN_TRY_ASSIGN(const auto side, WorkerSide::create(directory));
  KILN_TRY(prepare(*side, calls, directory));
  json answer = {{"facts", json::array()}, {"unlike_local", 0}, {"local", json::array()}};
  for (std::size_t round = 0; round <= rounds; ++round) {  // the first one warms
    KILN_TRY_ASSIGN(const auto local, build_plainly(calls, jobs));
    if (round > 0) answer["local"].push_back(in_seconds(local));
    for (const std::string context : job.at("contexts")) {
      KILN_TRY_ASSIGN(const auto facts, side->warm(context, jobs));
      for (const auto& fact : round == 0 ? facts : std::vector<std::string>()) {
        answer["facts"].push_back(fact);
      }
      KILN_TRY_ASSIGN(const auto took, side->build());
      if (round > 0) answer[context].push_back(in_seconds(took));
      answer["unlike_local"] =
          answer["unlike_local"].get<std::size_t>() + unlike_local(*side, calls);
      side->cool();
    }
  }
  return answer;
}

}  // namespace
}  // namespace kiln::bench

int main(int argc, char** argv) {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const auto job = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (argc != 2 || !job.is_object()) {
    std::fputs("usage: worker_side DIRECTORY < JOB\n", stderr);
    return 2;
  }
  const auto answer = kiln::bench::measure(job, argv[1]);
  if (!answer) {
    std::fprintf(stderr, "worker_side: %s\n", answer.error().message.c_str());
    return 1;
  }
  std::puts(answer->dump().c_str());
  return 0;
}
