#include "worker/server/initialiser.h"

#include <algorithm>
#include <utility>

namespace kiln::worker {
namespace {

// No agent has it: attempts of steps are told from those of tasks by it.
constexpr std::uint64_t kNoClient = 0;
constexpr std::size_t kToldBytes = 4 << 10;
// Of one that ended well. It travels with each report of the pool, ten times a second of a busy
// one.
constexpr std::size_t kToldBytesOfSuccess = 256;
constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";

std::string how_it_ended(const RunReport& report) {
  switch (report.outcome) {
    case Outcome::exited:
      return "exited with " + std::to_string(report.exit_code);
    case Outcome::signalled:
      return "was killed by signal " + std::to_string(report.signal);
    case Outcome::time_limit:
      return "was killed at the initializer's time limit";
    default:
      return "failed (" + std::string(name(report.outcome)) + "): " + report.message;
  }
}

}  // namespace

std::string_view last_lines(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  const auto cut = text.substr(text.size() - most);
  const bool at_line = text[text.size() - most - 1] == '\n';
  const auto line = at_line ? 0 : cut.find('\n') + 1;  // 0 also where there is none
  return line == cut.size() ? cut : cut.substr(line);
}

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
  if (run.next == run.steps.size()) {
    return end(place, {true, "", std::string(last_lines(run.output, kToldBytesOfSuccess)), 0});
  }
  const auto& step = run.steps[run.next];
  if (step.empty() || step.front().empty() || step.front().front() != '/') {
    return failed(place, title(run) + " names no program by its absolute path");
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
  request.tail_bytes = kToldBytes + 1;  // so that a line that is cut is seen to be
  const auto started = host_.run(run.executor, request);
  if (!started) failed(place, title(run) + ": " + started.error().message);
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
  auto& [place, run] = *found;
  if (const auto written = report.standard_output.read()) {
    run.output = last_lines(run.output + *written, kToldBytes);
  }
  if (report.terminated) {
    failed(place, title(run) + " was ended by the worker's shutdown");
  } else if (report.outcome == Outcome::exited && report.exit_code == 0) {
    ++run.next;
    next_step(place);
  } else {
    failed(place, title(run) + " " + how_it_ended(report), report.exit_code);
  }
  return true;
}

void Initialiser::failed(PlaceId place, std::string reason, std::int32_t exit_code) {
  end(place, {false, std::move(reason), runs_.at(place).output, exit_code});
}

void Initialiser::end(PlaceId place, InitialiserEnd end) {
  runs_.erase(place);
  reactor_.defer([this, place, end = std::move(end)] { done_(place, end); });
}

}  // namespace kiln::worker
