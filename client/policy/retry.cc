#include "client/policy/retry.h"

namespace kiln::client {
namespace {

Step give_up(const RetryPolicy& policy, std::string reason) {
  return {policy.fallback ? Step::Kind::locally : Step::Kind::fail, std::move(reason)};
}

Step another_node(const RetryPolicy& policy, CallHistory& history, const std::string& worker,
                  std::string reason) {
  ++history.failures;
  history.excluded.push_back(worker);
  if (history.failures > policy.other_nodes) return give_up(policy, std::move(reason));
  return {Step::Kind::retry, std::move(reason)};
}

Step after_result(const RetryPolicy& policy, CallHistory& history, Outcome outcome,
                  const std::string& worker, bool input_missing) {
  switch (outcome) {
    case Outcome::exited:
    case Outcome::signalled:
      if (input_missing && policy.fallback) return {Step::Kind::locally, "input_missing"};
      return {};
    case Outcome::time_limit:
    case Outcome::memory_limit:
    case Outcome::output_limit:
      return give_up(policy, std::string(name(outcome)));
    case Outcome::cancelled:
    case Outcome::executor_lost:
    case Outcome::not_started:
      return another_node(policy, history, worker, std::string(name(outcome)));
  }
  return give_up(policy, "unknown_outcome");
}

}  // namespace

Step next_step(const RetryPolicy& policy, CallHistory& history, AttemptEnd end, Outcome outcome,
               const std::string& worker, bool input_missing) {
  switch (end) {
    case AttemptEnd::result:
      return after_result(policy, history, outcome, worker, input_missing);
    case AttemptEnd::busy:
      if (++history.busy > policy.busy) return give_up(policy, "workers_busy");
      return {Step::Kind::retry, "busy"};
    case AttemptEnd::worker_lost:
      return another_node(policy, history, worker, "worker_lost");
    case AttemptEnd::no_lease:
      return give_up(policy, "no_worker");
  }
  return give_up(policy, "unknown_end");
}

}  // namespace kiln::client
