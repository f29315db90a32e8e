// Many made-up workers of one coordinator, for what a large farm costs it: they say hello, keep the
// heartbeat and report tasks that begin and end, but run nothing. Ends at SIGTERM or with its time.
//
// model_workers ENDPOINT WORKERS SLOTS TASKS_PER_SECOND SECONDS: of all workers together. Prints
// "ready" once every worker is welcome, and then each second "ping MEDIAN P99": how long the
// coordinator took to answer the first worker's pings, in microseconds.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/net/context.h"
#include "common/net/dealer.h"
#include "common/net/reactor.h"
#include "common/wire/codec.h"

namespace kiln {
namespace {

constexpr std::size_t kBuilds = 7;

struct Plan {
  std::string endpoint;
  std::size_t workers = 0;
  std::uint32_t slots = 0;
  double tasks_per_second = 0;
  Duration lasts{};
};

class ModelWorker {
 public:
  ModelWorker(net::Reactor& reactor, net::Context& context, const Plan& plan, std::size_t number)
      : reactor_(reactor), number_(number), slots_(plan.slots) {
    const auto digits = std::to_string(number);
    node_.name = "node-" + std::string(4 - std::min<std::size_t>(digits.size(), 4), '0') + digits;
    node_.epoch = number + 1;
    node_.version = "model";
    node_.task_address = "tcp://127.0.0.1:1";
    node_.bulk_address = "tcp://127.0.0.1:2";
    node_.slots = plan.slots;
    node_.memory_bytes = std::uint64_t{64} << 30U;
    node_.architecture = "x86_64";
    occupancy_.toolchains = {Digest{}};
    dealer_ = std::move(*net::Dealer::connect(reactor, context, plan.endpoint));
    dealer_->on_state([this](bool connected) {
      if (connected) send(wire::WorkerHello{node_, now()});
    });
    dealer_->on_message([this](wire::Frames frames) {
      const auto envelope = wire::decode(std::move(frames));
      if (!envelope) return;
      if (std::holds_alternative<wire::WorkerWelcome>(envelope->message)) welcome_ = true;
      if (std::holds_alternative<wire::Pong>(envelope->message)) {
        const std::chrono::duration<double, std::micro> took = reactor_.now() - pinged_;
        answers_.push_back(took.count());
        waits_ = false;
      }
    });
  }

  // One at a time.
  void ping() {
    if (std::exchange(waits_, true)) return;
    pinged_ = reactor_.now();
    send(wire::Ping{1});
  }
  std::vector<double> take_answers() { return std::exchange(answers_, {}); }

  bool welcome() const { return welcome_; }
  void report() { send(wire::OccupancyReport{node_.name, node_.epoch, now()}); }

  // The next task begins, in the place of the oldest where all slots have one.
  void turn() {
    auto& tasks = occupancy_.tasks;
    if (tasks.size() >= slots_) {
      tasks.erase(tasks.begin());
      ++occupancy_.completed;
    }
    TaskStatus task;
    task.attempt = {number_ + 1, ++tasks_};
    task.label = "/home/ann/project/src/module_" + std::to_string(tasks_ % 97) + ".cc";
    task.phase = TaskPhase::running;
    task.build = "build-" + std::to_string(number_ % kBuilds);
    task.client = "ann@ci-" + std::to_string(number_ % kBuilds);
    begun_.push_back(reactor_.now());
    if (begun_.size() > slots_) begun_.erase(begun_.begin());
    tasks.push_back(std::move(task));
    report();
  }

 private:
  Occupancy now() {
    ++occupancy_.sequence;
    occupancy_.running = static_cast<std::uint32_t>(occupancy_.tasks.size());
    occupancy_.ready = slots_ - occupancy_.running;
    occupancy_.load = occupancy_.running;
    for (std::size_t i = 0; i < occupancy_.tasks.size(); ++i) {
      const auto age = std::chrono::duration_cast<milliseconds>(reactor_.now() - begun_.at(i));
      occupancy_.tasks[i].age_ms = occupancy_.tasks[i].phase_ms =
          static_cast<std::uint64_t>(age.count());
    }
    return occupancy_;
  }
  void send(const wire::Message& message) { (void)dealer_->send(wire::encode(message)); }

  net::Reactor& reactor_;
  std::size_t number_;
  std::uint32_t slots_;
  NodeInfo node_;
  Occupancy occupancy_;
  std::vector<TimePoint> begun_;  // the tasks
  std::uint64_t tasks_ = 0;
  bool welcome_ = false;
  bool waits_ = false;  // for an answer to its ping
  TimePoint pinged_{};
  std::vector<double> answers_;  // microseconds
  std::unique_ptr<net::Dealer> dealer_;
};

class ModelFarm {
 public:
  ModelFarm(net::Reactor& reactor, net::Context& context, const Plan& plan)
      : reactor_(reactor), plan_(plan) {
    for (std::size_t i = 0; i < plan.workers; ++i) {
      workers_.push_back(std::make_unique<ModelWorker>(reactor, context, plan, i));
    }
    reactor_.call_after(plan.lasts, [this] { reactor_.stop(); });
    beat();
    wait();
  }

 private:
  // A part of the workers each 100 ms, so that the heartbeats do not come all at once.
  void beat() {
    for (std::size_t i = beats_ % 10; i < workers_.size(); i += 10) workers_[i]->report();
    ++beats_;
    reactor_.call_after(milliseconds(100), [this] { beat(); });
  }
  void wait() {
    const bool all = std::all_of(workers_.begin(), workers_.end(),
                                 [](const auto& worker) { return worker->welcome(); });
    if (!all) {
      reactor_.call_after(milliseconds(50), [this] { wait(); });
      return;
    }
    std::puts("ready");
    std::fflush(stdout);
    began_ = reactor_.now();
    work();
    ping();
    tell();
  }
  void ping() {
    workers_.front()->ping();
    reactor_.call_after(milliseconds(5), [this] { ping(); });
  }
  void tell() {
    auto took = workers_.front()->take_answers();
    std::sort(took.begin(), took.end());
    if (!took.empty()) {
      std::printf("ping %.0f %.0f\n", took[took.size() / 2], took[took.size() * 99 / 100]);
      std::fflush(stdout);
    }
    reactor_.call_after(seconds(1), [this] { tell(); });
  }
  void work() {
    const double due = in_seconds(reactor_.now() - began_) * plan_.tasks_per_second;
    for (; static_cast<double>(turned_) < due; ++turned_) {
      workers_[turned_ * 7919 % workers_.size()]->turn();
    }
    reactor_.call_after(milliseconds(10), [this] { work(); });
  }

  net::Reactor& reactor_;
  Plan plan_;
  std::vector<std::unique_ptr<ModelWorker>> workers_;
  std::size_t beats_ = 0;
  std::uint64_t turned_ = 0;
  TimePoint began_{};
};

int run(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s ENDPOINT WORKERS SLOTS TASKS_PER_SECOND SECONDS\n", argv[0]);
    return 2;
  }
  const Plan plan{argv[1], std::strtoul(argv[2], nullptr, 10),
                  static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10)),
                  std::strtod(argv[4], nullptr), seconds(std::strtol(argv[5], nullptr, 10))};
  auto reactor = net::Reactor::create();
  if (!reactor || plan.workers == 0 || plan.slots == 0) return 1;
  net::Context context;
  const ModelFarm farm(**reactor, context, plan);
  (*reactor)->run();
  return 0;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  return kiln::run(argc, argv);
}
