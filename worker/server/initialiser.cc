#include "worker/server/initialiser.h"

#include <algorithm>
#include <utility>

namespace kiln::worker {
namespace {

// No agent has it: attempts of steps are told from those of tasks by it.
constexpr std::uint64_t kNoClient = 0;
constexpr std::uint64_t kStreamBytes = 64 << 10;
constexpr std::size_t kToldBytes = 4 << 10;
constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";

std::string last_bytes(const std::string& text) {
  return text.size() <= kToldBytes ? text : text.substr(text.size() - kToldBytes);
}

std::string output_of(const RunReport& report) {
  std::string text;
  for (const auto* stream : {&report.standard_output, &report.standard_error}) {
    if (const auto content = stream->read()) text += *content;
  }
  return last_bytes(text);
}

std::string how_it_ended(const RunReport& report) {
  switch (report.outcome) {
    case Outcome::exited:
      return "exited with " + std::to_string(report.exit_code);
    case Outcome::signalled:
      return "was killed by signal " + std::to_string(report.signal);
    case Outcome::time_limit:
      return "was killed at the initializer's time limit";
    case Outcome::output_limit:
      return "was killed: it wrote more than 64 KiB to stdout and stderr";
    default:
      return "failed (" + std::string(name(report.outcome)) + "): " + report.message;
  }
}

}  // namespace

void Initialiser::run(PlaceId place, ExecutorId executor, const PoolSpec& spec,
                      const std::vector<std::filesystem::path>& lowers) {
  constexpr std::uint64_t kDayMs = std::uint64_t{24} * 3600 * 1000;
  Run run;
  run.executor = executor;
  run.steps = spec.init;
  run.probes = !spec.probe.empty();
  if (run.probes) run.steps.push_back(spec.probe);
  run.environment = spec.environment;
  const auto has_path = [](const auto& variable) { return variable.first == "PATH"; };
  if (std::none_of(run.environment.begin(), run.environment.end(), has_path)) {
    run.environment.emplace_back("PATH", kPath);
  }
  run.lowers = lowers;
  run.deadline = reactor_.now() + milliseconds(std::min(spec.init_limit_ms, kDayMs));
  runs_[place] = std::move(run);
  next_step(place);
}

std::string Initialiser::title(const Run& run) {
  const bool is_probe = run.probes && run.next + 1 == run.steps.size();
  const auto& step = run.steps.at(run.next);
  const std::string program = step.empty() ? "" : " (" + step.front() + ")";
  return (is_probe ? "the probe" : "step " + std::to_string(run.next + 1)) + program;
}

void Initialiser::next_step(PlaceId place) {
  Run& run = runs_.at(place);
  if (run.next == run.steps.size()) return end(place, {true, "", "", 0});
  const auto& step = run.steps[run.next];
  if (step.empty() || step.front().empty() || step.front().front() != '/') {
    return end(place, {false, title(run) + " names no program by its absolute path", "", 0});
  }
  const auto left = std::chrono::duration_cast<milliseconds>(run.deadline - reactor_.now());
  RunRequest request;
  run.attempt = ++last_attempt_;
  request.attempt = {kNoClient, run.attempt};
  request.program = step.front();
  request.argv = step;
  request.environment = run.environment;
  request.cwd = "/";
  request.lowers = run.lowers;
  request.limits.wall_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(1, left.count()));
  request.stream_bytes = kStreamBytes;
  const auto started = host_.run(run.executor, request);
  if (!started) end(place, {false, title(run) + ": " + started.error().message, "", 0});
}

void Initialiser::terminate() {
  for (const auto& [place, run] : runs_) host_.terminate(run.executor);
}

bool Initialiser::finished(const RunReport& report) {
  if (report.attempt.client_epoch != kNoClient) return false;
  reactor_.offload(
      removals_, [workspace = report.workspace] { static_cast<void>(release(workspace)); }, [] {});
  const auto found = std::find_if(runs_.begin(), runs_.end(), [&](const auto& item) {
    return item.second.attempt == report.attempt.number;
  });
  if (found == runs_.end()) return true;
  const PlaceId place = found->first;
  if (report.terminated) {
    end(place, {false, title(found->second) + " was ended by the worker's shutdown", "", 0});
  } else if (report.outcome == Outcome::exited && report.exit_code == 0) {
    ++found->second.next;
    next_step(place);
  } else {
    end(place, {false, title(found->second) + " " + how_it_ended(report), output_of(report),
                report.exit_code});
  }
  return true;
}

void Initialiser::end(PlaceId place, InitialiserEnd end) {
  runs_.erase(place);
  reactor_.defer([this, place, end = std::move(end)] { done_(place, end); });
}

}  // namespace kiln::worker
