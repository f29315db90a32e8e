// Errors are values: what can go wrong with a pool or a task, by name.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace kiln::v1 {

enum class Failure {
  // Of a task.
  cancelled,       // somebody asked for its end
  time_limit,      // killed at Limits::time
  memory_limit,    // killed above Limits::memory_bytes
  output_limit,    // killed above Limits::output_bytes
  executor_lost,   // its executors died under it, on several nodes
  node_lost,       // its nodes died under it, or stopped answering
  node_fault,      // the nodes lack what the command needs: disk, memory, a file
  staging_failed,  // its inputs or toolchain could not be brought to a node
  result_invalid,  // it cannot be read, or its outputs not be fetched or written where they belong
  not_remote,      // Kiln does not run such a call elsewhere; the reason says why
  not_prepared,    // what it needs could not be found out: a declared input is missing, …
  toolchain_refused,  // the compiler gives other results on a node than here
  overloaded,         // too many tasks are pending
  // Of a pool, and of the tasks sent to it.
  no_pool,                // there is no pool of that name (any more)
  pool_differs,           // another definition has that name
  pool_broken,            // no node could make an executor
  initializer_failed,     // likewise, since a step of the initializer ended badly
  initializer_timed_out,  // likewise, since the initializer took too long
  no_node,                // no coordinator or node to be had in time, or none is selected
  timed_out,              // it is not as warm as asked within the time given
  // Of the connection.
  no_agent,    // the user's agent cannot be reached or started
  agent_lost,  // it ended, or stopped answering, with the task under way
  closed,      // the client or pool was closed
  // Of the caller, or of Kiln.
  invalid_argument,
  unsupported,  // by the agent or the farm: they may be older than the library
  internal,     // a bug in Kiln
  inside_task,  // of the caller: it is a task of Kiln's itself, which has no agent and no pools
};

// The stable lower-case name: "time_limit".
std::string_view name(Failure failure);

struct Error {
  Failure failure = Failure::internal;
  std::string reason;   // a stable word, finer than the failure; the same as in `kiln stats`
  std::string message;  // for people: what was being done, what went wrong, what to do
  // Of a task: its name, the node that tried it last, and what it had written until then.
  std::string task;
  std::string node;
  std::string stdout_text;
  std::string stderr_text;
};

// A value or an Error.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok(); std::bad_variant_access otherwise.
  T& value() & { return std::get<0>(content_); }
  const T& value() const& { return std::get<0>(content_); }
  T&& value() && { return std::get<0>(std::move(content_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !ok(); std::bad_variant_access otherwise.
  const Error& error() const { return std::get<1>(content_); }

 private:
  std::variant<T, Error> content_;
};

// Done, or an Error.
using Status = Result<std::monostate>;

}  // namespace kiln::v1
