#include <algorithm>
#include <utility>

#include <kiln/pool.h>

#include "client/library/errors.h"
#include "client/library/pool_handle.h"
#include "client/library/pool_text.h"
#include "client/library/warmth.h"

namespace kiln::v1 {
namespace {

// How soon is looked again: a warm pool answers at once, a cold one takes seconds.
constexpr Duration kFirstLook = milliseconds(20);
constexpr Duration kLastLook = milliseconds(500);

Status done(const Result<std::string>& answer) {
  if (!answer) return answer.error();
  return std::monostate{};
}

std::uint64_t count_of(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count()));
}

wire::SessionTask message_of(Task task, const std::string& pool, const Defaults& defaults) {
  wire::SessionTask message;
  message.kind = task.kind == Task::Kind::compile ? "compile" : "run";
  message.argv = std::move(task.argv);
  message.cwd = defaults.cwd;
  if (!task.cwd.empty()) message.cwd = std::move(task.cwd);
  message.environment = defaults.environment;
  if (task.environment) message.environment = std::move(*task.environment);
  message.umask = task.umask.value_or(defaults.umask);
  message.inputs = std::move(task.inputs);
  message.outputs = std::move(task.outputs);
  message.pool = pool;
  message.priority = task.priority;
  message.limits = {count_of(task.limits.time), task.limits.memory_bytes, task.limits.output_bytes};
  message.patience_ms = count_of(defaults.patience);
  return message;
}

}  // namespace

Pool::Handle::Handle(std::shared_ptr<Core> core, std::string name)
    : core_(std::move(core)), name_(std::move(name)), owner_(core_->new_owner()) {}

Pool::Handle::~Handle() {
  close();
}

Future Pool::Handle::submit(Task task, TaskCallback callback) {
  std::string name = task.name;
  if (name.empty() && !task.argv.empty()) name = task.argv.front();
  return core_->submit(owner_, message_of(std::move(task), name_, core_->defaults()),
                       std::move(name), std::move(callback));
}

Result<std::string> Pool::Handle::command(const std::string& action,
                                          const std::string& argument) const {
  wire::Command command;
  command.name = "pool";
  command.arguments = {action};
  if (action != "create") command.arguments.push_back(name_);
  if (!argument.empty()) command.arguments.push_back(argument);
  command.cwd = core_->defaults().cwd;
  command.environment = core_->defaults().environment;
  return core_->command(std::move(command));
}

Result<PoolStatus> Pool::Handle::ask(const std::string& action, const std::string& argument) const {
  const auto answer = command(action, argument);
  if (!answer) return answer.error();
  return read_pool(*answer, name_);
}

Result<PoolStatus> Pool::Handle::wait_warm(Warm asked, const WarmUp& options,
                                           PoolStatus status) const {
  const bool existed = status.existed;
  const TimePoint deadline = Clock::now() + options.limit;
  Duration look = kFirstLook;
  while (true) {
    status.existed = existed;
    if (options.progress) options.progress(status);
    const Warmth warmth = judge(status, asked);
    if (warmth.kind == Warmth::Kind::reached) return status;
    if (warmth.kind == Warmth::Kind::failed) return *warmth.error;
    if (Clock::now() >= deadline) {
      return warmth.error.value_or(error_of(
          Failure::timed_out, "the pool '" + name_ + "' is not as warm as asked in time; it " +
                                  "waits for " + warmth.waits_for));
    }
    if (!core_->pause(std::min<Duration>(look, deadline - Clock::now())))
      return error_of(Failure::closed, "the client was closed");
    look = std::min(look * 2, kLastLook);
    auto next = ask("show");
    if (!next) return next.error();
    status = std::move(*next);
  }
}

void Pool::Handle::close() {
  core_->close_owner(owner_);
}

Pool::Pool(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Pool::Pool(Pool&&) noexcept = default;
Pool& Pool::operator=(Pool&&) noexcept = default;
Pool::~Pool() = default;

const std::string& Pool::name() const {
  return handle_->name();
}

Future Pool::submit(Task task) {
  return handle_->submit(std::move(task), nullptr);
}

Future Pool::submit(Task task, TaskCallback callback) {
  return handle_->submit(std::move(task), std::move(callback));
}

Result<PoolStatus> Pool::status() const {
  return handle_->ask("show");
}

Result<PoolStatus> Pool::warm(Warm warm, const WarmUp& options) {
  auto asked = handle_->ask("warm", warm.is_all() ? "all" : std::to_string(warm.count()));
  if (!asked) return asked;
  return handle_->wait_warm(warm, options, std::move(*asked));
}

Status Pool::quiesce() {
  return done(handle_->command("quiesce"));
}

Status Pool::wake() {
  return done(handle_->command("wake"));
}

Status Pool::resize(std::uint32_t executors_per_node) {
  return done(handle_->command("resize", std::to_string(executors_per_node)));
}

Status Pool::remove() {
  auto removed = done(handle_->command("delete"));
  if (removed) handle_->close();
  return removed;
}

void Pool::close() {
  handle_->close();
}

}  // namespace kiln::v1
