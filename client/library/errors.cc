#include "client/library/errors.h"

#include <array>
#include <utility>

namespace kiln::v1 {
namespace {

using std::chrono::microseconds;

struct Word {
  std::string_view reason;
  Failure failure;
};
constexpr std::array kWords = {
    Word{"cancelled", Failure::cancelled},
    Word{"time_limit", Failure::time_limit},
    Word{"memory_limit", Failure::memory_limit},
    Word{"output_limit", Failure::output_limit},
    Word{"executor_lost", Failure::executor_lost},
    Word{"worker_lost", Failure::node_lost},
    Word{"not_started", Failure::staging_failed},
    Word{"probe_failed", Failure::staging_failed},
    Word{"result_invalid", Failure::result_invalid},
    Word{"output_not_written", Failure::result_invalid},
    Word{"output_missing", Failure::result_invalid},
    Word{"toolchain_refused", Failure::toolchain_refused},
    Word{"overloaded", Failure::overloaded},
    Word{"no_pool", Failure::no_pool},
    Word{"pool_broken", Failure::pool_broken},
    Word{"no_worker", Failure::no_node},
    Word{"workers_busy", Failure::no_node},
    Word{"invalid_task", Failure::invalid_argument},
    Word{"killed", Failure::node_fault},
    Word{"no_space", Failure::node_fault},
    Word{"no_memory", Failure::node_fault},
    Word{"no_resources", Failure::node_fault},
    Word{"io_error", Failure::node_fault},
};

Failure failure_of(std::string_view reason) {
  for (const auto& word : kWords) {
    if (word.reason == reason) return word.failure;
  }
  return reason.starts_with("prepare_") ? Failure::not_prepared : Failure::internal;
}

microseconds us(std::uint64_t count) {
  return microseconds(static_cast<microseconds::rep>(count));
}

Timings timings_of(const wire::SessionResult& result) {
  Timings timings;
  timings.prepare = us(result.prepare_us);
  timings.wait = us(result.lease_us);
  timings.remote = us(result.remote_us);
  timings.queue = us(result.usage.queue_us);
  timings.root = us(result.usage.root_us);
  timings.run = us(result.usage.run_us);
  timings.user = us(result.usage.user_us);
  timings.system = us(result.usage.system_us);
  return timings;
}

std::string message_of(const wire::SessionResult& result, const std::string& name) {
  std::string text = "the task '" + name + "' ";
  text += result.outcome == "refused" ? "does not run remotely" : "failed";
  if (!result.node.empty()) text += " on " + result.node;
  text += " (" + result.reason + ")";
  return result.detail.empty() ? text : text + ": " + result.detail;
}

}  // namespace

Error error_of(Failure failure, std::string message) {
  Error error;
  error.failure = failure;
  error.reason = name(failure);
  error.message = std::move(message);
  return error;
}

Error command_error(Errc code, std::string message) {
  const auto failure = [code] {
    switch (code) {
      case Errc::already_exists:
        return Failure::pool_differs;
      case Errc::not_found:
        return Failure::no_pool;
      case Errc::invalid_argument:
      case Errc::permission_denied:
        return Failure::invalid_argument;
      case Errc::unavailable:
      case Errc::timed_out:
      case Errc::resource_exhausted:
        return Failure::no_node;
      case Errc::unsupported:
      case Errc::version_mismatch:
        return Failure::unsupported;
      default:
        return Failure::internal;
    }
  }();
  Error error = error_of(failure, std::move(message));
  error.reason = kiln::name(code);
  return error;
}

Result<TaskResult> result_of(const wire::SessionResult& result, wire::Frames raw,
                             const std::string& name) {
  raw.resize(2);
  if (result.outcome == "exited" || result.outcome == "signalled") {
    TaskResult end;
    end.exit_code = result.exit_code;
    end.signal = result.signal;
    end.stdout_text = std::move(raw[0]);
    end.stderr_text = std::move(raw[1]);
    end.task = name;
    end.node = result.node;
    end.attempts = result.attempts;
    end.max_rss_bytes = result.usage.max_rss_bytes;
    end.timings = timings_of(result);
    return end;
  }
  Error error;
  error.failure = result.outcome == "refused" ? Failure::not_remote : failure_of(result.reason);
  error.reason = result.reason;
  error.message = message_of(result, name);
  error.task = name;
  error.node = result.node;
  error.stdout_text = std::move(raw[0]);
  error.stderr_text = std::move(raw[1]);
  return error;
}

}  // namespace kiln::v1
