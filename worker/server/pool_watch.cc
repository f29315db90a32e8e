#include "worker/server/pool_watch.h"

#include <fstream>
#include <utility>
#include <vector>

#include <unistd.h>

namespace kiln::worker {
namespace {

std::uint64_t resident_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// Of a single-threaded process and all below it. A kernel that does not list children counts the
// process alone.
std::uint64_t tree_bytes(pid_t root) {
  std::vector<pid_t> waiting = {root};
  std::uint64_t sum = 0;
  while (!waiting.empty()) {
    const pid_t pid = waiting.back();
    waiting.pop_back();
    sum += resident_bytes(pid);
    const std::string id = std::to_string(pid);
    std::ifstream children("/proc/" + id + "/task/" + id + "/children");
    pid_t child = 0;
    while (children >> child) waiting.push_back(child);
  }
  return sum;
}

}  // namespace

void PoolWatch::changed(const std::string& pool) {
  const PoolState state = tasks_.pool(pool).state;
  const bool awake = state == PoolState::warming || state == PoolState::ready;
  const auto wanted = awake ? tasks_.resident(pool) : ExecutorFleet::Resident{};
  if (wanted.files.empty()) {
    resident_.erase(pool);
    return;
  }
  Resident& known = resident_[pool];
  if (known.of == wanted.hold) return;
  known = {wanted.hold, nullptr};
  auto made = std::make_shared<std::shared_ptr<ResidentFiles>>();
  parts_.reactor.offload(
      parts_.pool,
      [made, wanted] {
        *made = std::make_shared<ResidentFiles>(wanted.hold, wanted.roots, wanted.files);
      },
      [this, made, pool, of = wanted.hold] {
        const auto found = resident_.find(pool);
        if (found != resident_.end() && found->second.of == of) found->second.files = *made;
      });
}

void PoolWatch::publish() {
  std::set<std::string> here;
  for (const auto& pool : tasks_.pools()) {
    here.insert(pool);
    parts_.metrics.publish(tasks_.pool(pool));
  }
  parts_.metrics.keep(here);
  published_ = std::move(here);
  sample_memory();
}

void PoolWatch::sample_memory() {
  if (std::exchange(sampling_, true)) return;
  struct Idle {
    std::string pool;
    std::vector<pid_t> pids;
    std::uint64_t bytes = 0;
  };
  auto idle = std::make_shared<std::vector<Idle>>();
  for (const auto& pool : published_) idle->push_back({pool, tasks_.idle_executors(pool)});
  parts_.reactor.offload(
      parts_.pool,
      [idle] {
        for (auto& one : *idle) {
          for (const auto pid : one.pids) one.bytes += tree_bytes(pid);
        }
      },
      [this, idle] {
        sampling_ = false;
        for (const auto& one : *idle) {
          if (published_.contains(one.pool)) {
            parts_.metrics.publish_idle_memory(one.pool, one.bytes);
          }
        }
      });
}

}  // namespace kiln::worker
