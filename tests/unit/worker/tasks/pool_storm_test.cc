// Everything at random under a seed: pools are made, changed, warmed, quiesced and deleted while
// tasks come, executors and templates die, initializers fail and time passes. A made-up world
// answers the table's actions late and in any order.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "worker/tasks/task_table.h"

namespace kiln::worker {
namespace {

constexpr std::uint32_t kSlots = 3;
const std::vector<std::string> kPools = {"default", "a", "b", "c"};

class Storm {
 public:
  explicit Storm(std::uint64_t seed) : random_(seed) { take(table_.start(now_)); }

  void step() {
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        return new_task();
      case 3:
        return change_pool();
      case 4:
        return take(table_.warm_pool(some_pool(), below(5), now_));
      case 5:
        return take(table_.quiesce_pool(some_pool(), now_));
      case 6:
        return crash();
      case 7:
        return kill_template();
      default:
        return advance();
    }
  }
  // Nothing fails any more: whatever was accepted must end within an hour of the made-up clock.
  void settle() {
    calm_ = true;
    for (const auto& pool : kPools) take(table_.warm_pool(pool, 1, now_));
    for (int i = 0; i < 20'000 && !open_.empty(); ++i) advance();
  }
  void check() {
    ASSERT_LE(running_.size(), kSlots);
    ASSERT_EQ(table_.occupancy(now_).running, running_.size());
    for (const auto& [pool, places] : alive_by_pool()) {
      const auto capacity = capacity_.find(pool);
      // Made smaller, a pool lets executors with a task end it, and others stop.
      if (capacity != capacity_.end()) {
        ASSERT_LE(places, capacity->second) << pool;
      }
    }
  }

  // For whoever reads a failure.
  std::string picture() const {
    std::string text;
    for (const auto& name : table_.pools()) {
      const PoolOnNode pool = table_.pool(name);
      text += "\n" + name + ": " + std::string(kiln::name(pool.state)) + ", " +
              std::string(kiln::name(pool.context)) + ", queued " + std::to_string(pool.queued) +
              ", starting " + std::to_string(pool.starting) + ", ready " +
              std::to_string(pool.ready) + ", busy " + std::to_string(pool.busy) + ", broken " +
              std::to_string(pool.broken) + ", reason " + pool.reason;
    }
    return text + "\nstaging " + std::to_string(staging_.size()) + ", templates " +
           std::to_string(templates_.size()) + ", executors " + std::to_string(executors_.size());
  }

  std::set<AttemptId> open_;  // accepted, without a result
  int ended = 0;
  int accepted = 0;

 private:
  struct Executor {
    std::string pool;
    bool ready = false;
    bool initialising = false;
    bool stopping = false;
    std::optional<AttemptId> task;
  };
  std::uint32_t below(std::uint32_t limit) {
    return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random_);
  }
  std::string some_pool() { return kPools[below(4)]; }

  void new_task() {
    Lease lease;
    lease.id = {1, ++last_task_};
    lease.tasks = 1;
    lease.lifetime_ms = 60'000;
    lease.pool = some_pool();
    take(table_.run("agent", lease, true, {7, last_task_}, "a.c", now_));
  }
  void change_pool() {
    PoolTerms terms;
    auto& definition = terms.definition;
    definition.spec.name = kPools[1 + below(3)];
    definition.spec.context = PoolContext(below(3));
    definition.spec.executors = 1 + below(4);
    definition.spec.idle_ms = below(2) * 500;
    if (below(2) == 0) definition.spec.init = {{"/bin/step"}};
    definition.spec.toolchains = {{"sh", "/bin/sh", "x86_64", {}}};
    definition.version = ++version_;
    definition.deleted = below(8) == 0;
    terms.selected = below(6) != 0;
    terms.keep_ready = below(3);
    auto& bound = capacity_[definition.spec.name];
    bound = std::max(bound, definition.spec.executors);
    take(table_.configure_pool(terms, now_));
  }
  std::map<std::string, std::uint32_t> alive_by_pool() const {
    std::map<std::string, std::uint32_t> count;
    for (const auto& [place, executor] : executors_) ++count[executor.pool];
    return count;
  }
  void lose(PlaceId place) {
    const auto executor = executors_.at(place);
    executors_.erase(place);
    take(executor.stopping ? table_.executor_stopped(place, now_)
                           : table_.executor_lost(place, "killed", now_));
    if (!executor.task) return;
    running_.erase(*executor.task);
    take(table_.finished(*executor.task, {Outcome::executor_lost}, now_));
  }
  void crash() {
    if (executors_.empty()) return;
    auto at = executors_.begin();
    std::advance(at, below(static_cast<std::uint32_t>(executors_.size())));
    lose(at->first);
  }
  void kill_template() {
    if (templates_.empty()) return;
    const std::string pool = *templates_.begin();
    templates_.erase(pool);
    dying_.insert(pool);
    // One that is asked of it meanwhile is lost, too.
    const auto of_pool = [&pool](const auto& item) { return item.second.pool == pool; };
    auto at = executors_.begin();
    while ((at = std::find_if(executors_.begin(), executors_.end(), of_pool)) != executors_.end()) {
      lose(at->first);
    }
    // Unless it was told to stop meanwhile.
    if (dying_.erase(pool) > 0) take(table_.template_lost(pool, "killed", now_));
  }
  // Time passes, and one thing of the world goes on.
  void advance() {
    now_ += milliseconds(1 + below(300));
    take(table_.tick(now_));
    if (!staging_.empty() && below(2) == 0) {
      const AttemptId attempt = *staging_.begin();
      staging_.erase(attempt);
      take(table_.staged(attempt, true, now_));
    }
    if (!executors_.empty()) go_on();
  }
  void go_on() {
    auto at = executors_.begin();
    std::advance(at, below(static_cast<std::uint32_t>(executors_.size())));
    const PlaceId place = at->first;
    Executor& executor = at->second;
    if (executor.task) {
      const AttemptId attempt = *std::exchange(executor.task, std::nullopt);
      running_.erase(attempt);
      take(table_.slot_freed(attempt, Outcome::exited, now_));
      take(table_.finished(attempt, {Outcome::exited}, now_));
      take(table_.ack(attempt, now_));
    } else if (executor.stopping) {
      executors_.erase(at);
      take(table_.executor_stopped(place, now_));
    } else if (executor.initialising) {
      executor.initialising = false;
      take(table_.initialised(place, {calm_ || below(3) != 0, "failed", "", 1}, now_));
    } else if (!executor.ready) {
      executor.ready = true;
      take(table_.executor_ready(place, now_));
    }
  }
  void take(const Actions& actions) {
    for (const auto& action : actions) {
      if (const auto* create = std::get_if<CreateExecutor>(&action)) {
        ASSERT_FALSE(executors_.contains(create->place)) << "two executors on one place";
        ASSERT_TRUE(!create->from_template || templates_.contains(create->pool) ||
                    dying_.contains(create->pool));
        executors_[create->place].pool = create->pool;
      } else if (const auto* stop = std::get_if<StopExecutor>(&action)) {
        ASSERT_FALSE(executors_.at(stop->place).task) << "a task is lost";
        executors_.at(stop->place).stopping = true;
      } else if (const auto* initialise = std::get_if<InitialiseExecutor>(&action)) {
        executors_.at(initialise->place).initialising = true;
      } else {
        take_rest(action);
      }
    }
  }
  void take_rest(const Action& action) {
    if (const auto* start = std::get_if<StartTask>(&action)) {
      Executor& executor = executors_.at(start->place);
      ASSERT_TRUE(executor.ready && !executor.stopping && !executor.task);
      executor.task = start->attempt;
      running_.insert(start->attempt);
    } else if (const auto* made = std::get_if<CreateTemplate>(&action)) {
      ASSERT_TRUE(templates_.insert(made->pool).second);
      take(table_.template_ready(made->pool, now_));
    } else if (const auto* ended_one = std::get_if<StopTemplate>(&action)) {
      ASSERT_EQ(templates_.erase(ended_one->pool) + dying_.erase(ended_one->pool), 1U);
    } else if (const auto* begin = std::get_if<BeginStaging>(&action)) {
      ASSERT_TRUE(open_.insert(begin->attempt).second);
      staging_.insert(begin->attempt);
      ++accepted;
    } else if (const auto* stop = std::get_if<StopTask>(&action)) {
      staging_.erase(stop->attempt);
    } else if (const auto* result = std::get_if<SendResult>(&action)) {
      ended += static_cast<int>(open_.erase(result->attempt));
    }
  }

  std::mt19937_64 random_;
  TimePoint now_ = TimePoint() + seconds(1000);
  TaskTable table_{{kSlots, "x86_64"}, TablePolicy{}};
  std::map<PlaceId, Executor> executors_;
  std::set<std::string> templates_;
  std::set<std::string> dying_;  // templates whose executors are being reported
  std::set<AttemptId> staging_;
  std::set<AttemptId> running_;
  std::map<std::string, std::uint32_t> capacity_ = {{"default", kSlots}};
  std::uint64_t last_task_ = 0;
  std::uint64_t version_ = 0;
  bool calm_ = false;
};

TEST(PoolConformance, row_24_no_task_is_lost_whatever_happens_to_its_pool) {
  int ended = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Storm storm(seed);
    for (int i = 0; i < 1500; ++i) {
      storm.step();
      storm.check();
      if (testing::Test::HasFatalFailure()) return;
    }
    storm.settle();
    ASSERT_TRUE(storm.open_.empty())
        << storm.open_.size() << " tasks never ended" << storm.picture();
    ASSERT_EQ(storm.ended, storm.accepted);
    ended += storm.ended;
  }
  EXPECT_GT(ended, 10'000);
}

}  // namespace
}  // namespace kiln::worker
