#include "client/policy/retry.h"

#include <algorithm>
#include <csignal>

namespace kiln::client {
namespace {

constexpr std::string_view kInputMissing = "input_missing";
constexpr std::string_view kUntranslated = "untranslated";

struct Symptom {
  std::string_view text;
  std::string_view doubt;
};
constexpr Symptom kSymptoms[] = {
    {"No space left on device", "no_space"},
    {"Disk quota exceeded", "no_space"},
    {"Cannot allocate memory", "no_memory"},
    {"virtual memory exhausted", "no_memory"},
    {"out of memory allocating", "no_memory"},
    {"LLVM ERROR: out of memory", "no_memory"},
    {"std::bad_alloc", "no_memory"},
    {"Resource temporarily unavailable", "no_resources"},
    {"Too many open files", "no_resources"},
    {"Input/output error", "io_error"},
    {"Killed signal terminated program", "killed"},
    {"unable to execute command: Killed", "killed"},
    {"Bus error", "killed"},
    {"No such file or directory", kInputMissing},
    {"file not found", kInputMissing},
};

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
                  const std::string& worker, const std::string& doubt) {
  switch (outcome) {
    case Outcome::exited:
    case Outcome::signalled:
      if (is_believed(policy, doubt)) return {};
      if (policy.fallback) return {Step::Kind::locally, doubt};
      return another_node(policy, history, worker, doubt);
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

std::string doubt_about(const TaskResult& result, std::string_view err, bool translated) {
  if (result.outcome == Outcome::signalled) {
    // Out of memory, or a mapped file on a full disk; a compiler's own crash is another signal.
    return result.signal == SIGKILL || result.signal == SIGBUS ? "killed" : "";
  }
  if (result.outcome != Outcome::exited || result.exit_code == 0) return "";
  for (const auto& symptom : kSymptoms) {
    if (err.find(symptom.text) != std::string_view::npos) return std::string(symptom.doubt);
  }
  return std::string(translated ? kUntranslated : "");
}

std::string doubt_about_object(const TaskResult& result, const std::string& object) {
  if (result.outcome != Outcome::exited || result.exit_code != 0) return "";
  const bool is_there =
      std::any_of(result.outputs.begin(), result.outputs.end(),
                  [&object](const auto& written) { return written.path == object; });
  return is_there ? "" : "output_missing";
}

std::string doubt_about_refusal(const std::string& refusal) {
  return refusal == "pool_broken" || refusal == "no_pool" ? refusal : "";
}

// As gettext does it: LC_ALL, LC_MESSAGES or LANG names the locale, and unless that is the plain
// one, LANGUAGE goes first.
bool translates(const std::vector<std::pair<std::string, std::string>>& environment) {
  const auto value_of = [&](std::string_view name) {
    for (const auto& [key, value] : environment) {
      if (key == name) return std::string_view(value);
    }
    return std::string_view();
  };
  std::string_view locale;
  for (const auto* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    if (locale.empty()) locale = value_of(name);
  }
  if (locale.empty() || locale == "C" || locale == "POSIX") return false;
  const std::string_view language = value_of("LANGUAGE");
  if (!language.empty()) locale = language.substr(0, language.find(':'));
  const std::string_view plain = locale.substr(0, locale.find_first_of("._@"));
  return plain != "C" && plain != "POSIX" && plain != "en";
}

// What one node did not find, no other would; nor would it speak another language.
bool is_believed(const RetryPolicy& policy, const std::string& doubt) {
  return doubt.empty() || (!policy.fallback && (doubt == kInputMissing || doubt == kUntranslated));
}

bool has_waited_enough(const RetryPolicy& policy, Duration waited) {
  return policy.fallback && waited >= policy.behind;
}

Step next_step(const RetryPolicy& policy, CallHistory& history, AttemptEnd end, Outcome outcome,
               const std::string& worker, const std::string& doubt) {
  switch (end) {
    case AttemptEnd::result:
      return after_result(policy, history, outcome, worker, doubt);
    case AttemptEnd::result_invalid:
      return another_node(policy, history, worker, "result_invalid");
    case AttemptEnd::busy:
      if (!doubt.empty()) return another_node(policy, history, worker, doubt);
      if (++history.busy > policy.busy) return give_up(policy, "workers_busy");
      return {Step::Kind::retry, "busy"};
    case AttemptEnd::worker_lost:
      return another_node(policy, history, worker, "worker_lost");
    case AttemptEnd::no_lease:
      return give_up(policy, "no_worker");
    case AttemptEnd::no_pool:
      return give_up(policy, "no_pool");
    case AttemptEnd::pool_broken:
      return give_up(policy, "pool_broken");
  }
  return give_up(policy, "unknown_end");
}

}  // namespace kiln::client
