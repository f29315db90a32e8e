// What a compile costs by context, on the worker's side alone: root, compile, clean-up. Prints a
// table; its figures are of the machine and the moment, so both sides run in turn.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>

#include "worker/executor/executor_host.h"

namespace {

using namespace std::chrono_literals;
using kiln::Clock;
using kiln::worker::ExecutorHost;
using kiln::worker::ExecutorId;
using kiln::worker::RunReport;

constexpr int kWarmUp = 5;
constexpr auto kPatience = 60s;

class Events : public kiln::worker::ExecutorEvents {
 public:
  void executor_ready(ExecutorId) override { ++ready; }
  void task_finished(ExecutorId, RunReport report) override { last = std::move(report); }
  void executor_died(ExecutorId, kiln::Error reason) override { fail(reason); }
  void executor_stopped(ExecutorId) override {}
  void template_ready(kiln::worker::TemplateId) override { ++ready; }
  void host_failed(kiln::Error reason) override { fail(reason); }

  int ready = 0;
  std::optional<RunReport> last;

 private:
  [[noreturn]] static void fail(const kiln::Error& reason) {
    std::fprintf(stderr, "held_bench: %s\n", reason.message.c_str());
    std::exit(1);
  }
};

struct Side {
  const char* name;
  ExecutorId executor{};
  std::vector<double> wall_ms;
  std::vector<double> root_ms;
  std::vector<double> run_ms;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

template <typename Condition>
void pump(ExecutorHost& host, Events& events, Condition condition) {
  const auto deadline = Clock::now() + kPatience;
  while (!condition() && Clock::now() < deadline) {
    pollfd watched{host.fd(), POLLIN, 0};
    ::poll(&watched, 1, 100);
    host.on_readable(events);
  }
}

void run_once(ExecutorHost& host, Events& events, Side& side,
              const kiln::worker::RunRequest& request, bool counts) {
  const auto began = Clock::now();
  events.last.reset();
  if (!host.run(side.executor, request)) return;
  pump(host, events, [&] { return events.last.has_value(); });
  if (!events.last) return;
  if (events.last->outcome != kiln::Outcome::exited || events.last->exit_code != 0) {
    std::fprintf(stderr, "held_bench: a task by %s failed: %s\n", side.name,
                 events.last->message.c_str());
  }
  const std::chrono::duration<double, std::milli> wall = Clock::now() - began;
  if (counts) {
    side.wall_ms.push_back(wall.count());
    side.root_ms.push_back(static_cast<double>(events.last->usage.root_us) / 1000);
    side.run_ms.push_back(static_cast<double>(events.last->usage.run_us) / 1000);
  }
  static_cast<void>(kiln::worker::release(events.last->workspace));
}

}  // namespace

// held_bench [PROGRAM [ROUNDS [ARGUMENT…]]]
int main(int argc, char** argv) {
  const std::string program = argc > 1 ? argv[1] : "/usr/bin/clang-14";
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 30;
  std::string name = (std::filesystem::temp_directory_path() / "kiln-bench.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return 1;
  const std::filesystem::path directory = name;
  // Not below the toolchain's tree, which is the machine's: overlay refuses that.
  std::string shared = "/dev/shm/kiln-bench.XXXXXX";
  if (::mkdtemp(shared.data()) == nullptr) return 1;
  const std::filesystem::path inputs = shared;
  std::filesystem::create_directories(inputs / "build");
  std::ofstream(inputs / "build/empty.c").flush();
  kiln::worker::HostOptions options;
  options.scratch = directory / "scratch";
  auto host = ExecutorHost::start(options);
  if (!host) {
    std::fprintf(stderr, "held_bench: %s\n", host.error().message.c_str());
    return 1;
  }
  Events events;
  const auto parent = (*host)->create_template({});
  pump(**host, events, [&] { return events.ready == 1; });
  std::vector<Side> sides{
      {"spawn", {}, {}, {}, {}}, {"fork", {}, {}, {}, {}}, {"forkserver", {}, {}, {}, {}}};
  std::vector<kiln::worker::ExecutorSpec> specs(3);
  specs[1].parent = *parent;
  specs[2].held = {{{"/"}, program}};
  for (std::size_t i = 0; i < sides.size(); ++i) sides[i].executor = *(*host)->create(specs[i]);
  pump(**host, events, [&] { return events.ready == 4; });
  const auto facts = (*host)->held(sides[2].executor);
  if (!facts.empty() && !facts[0].problem.empty()) {
    std::printf("%s is not held: %s\n", program.c_str(), facts[0].problem.c_str());
  }
  kiln::worker::RunRequest request;
  request.program = program;
  request.argv = {program};
  request.argv.insert(request.argv.end(), argv + std::min(argc, 3), argv + argc);
  if (argc <= 3) request.argv.insert(request.argv.end(), {"-c", "empty.c", "-o", "empty.o"});
  request.environment = {{"PATH", "/usr/bin:/bin"}};
  request.cwd = "/build";
  request.lowers = {inputs, "/"};
  request.outputs = {"/build/empty.o"};
  for (int round = -kWarmUp; round < rounds; ++round) {
    for (auto& side : sides) run_once(**host, events, side, request, round >= 0);
  }
  std::printf("%-12s %10s %10s %10s   median ms of %d\n", "context", "wall", "root", "run", rounds);
  for (const auto& side : sides) {
    std::printf("%-12s %10.2f %10.2f %10.2f\n", side.name, median(side.wall_ms),
                median(side.root_ms), median(side.run_ms));
  }
  host->reset();
  std::filesystem::remove_all(directory);
  std::filesystem::remove_all(inputs);
  return 0;
}
