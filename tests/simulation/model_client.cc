#include "tests/simulation/model_client.h"

#include <algorithm>

namespace kiln::simulation {
namespace {

constexpr Duration kAskPatience = seconds(12);
constexpr Duration kResultPatience = seconds(15);
constexpr std::uint32_t kMostFailures = 3;

}  // namespace

ModelClient::ModelClient(World& world, coordinator::ClientId id, const ClientPlan& plan)
    : world_(world), id_(id), plan_(plan), failures_(plan.tasks) {
  for (std::uint32_t task = 0; task < plan_.tasks; ++task) waiting_.push_back(task);
}

void ModelClient::begin() {
  alive_ = true;
  ++life_;
  heartbeat(life_);
  world_.after(milliseconds(2), [this] { turn(); });
}

void ModelClient::crash(coordinator::ClientId next_id) {
  alive_ = false;
  ++life_;
  id_ = next_id;
  for (const auto& entry : attempts_) waiting_.push_back(entry.second.second);
  attempts_.clear();
  leases_.clear();
  asked_.clear();
}

void ModelClient::heartbeat(std::uint64_t life) {
  if (life != life_ || !alive_) return;
  links_.to_coordinator(coordinator::ClientJoined{id_});
  world_.after(seconds(1), [this, life] { heartbeat(life); });
  if (life_ == life) turn();
}

std::size_t ModelClient::free_leases() const {
  return static_cast<std::size_t>(std::count_if(
      leases_.begin(), leases_.end(), [](const auto& entry) { return !entry.second.in_use; }));
}

// Starts what can start, asks for what is missing, gives back what is not needed.
void ModelClient::turn() {
  if (!alive_) return;
  std::vector<LeaseId> useless;
  for (auto& entry : leases_) {
    auto& held = entry.second;
    if (held.in_use) continue;
    const bool usable = held.left > 0 && world_.now() + milliseconds(500) < held.expires;
    if (usable && !waiting_.empty() && attempts_.size() < plan_.parallel) {
      const auto task = waiting_.front();
      waiting_.pop_front();
      run(held, task);
    } else {
      useless.push_back(entry.first);
    }
  }
  for (const auto& id : useless) drop(id);
  ask();
}

void ModelClient::ask() {
  if (world_.now() < quiet_until_) return;
  std::size_t coming = free_leases();
  for (const auto& entry : asked_) coming += entry.second;
  const auto possible = std::min<std::size_t>(waiting_.size(), plan_.parallel - attempts_.size());
  if (possible <= coming) return;
  coordinator::LeasesWanted wanted;
  wanted.key = {id_, next_request_++};
  wanted.architecture = "x86_64";
  wanted.toolchain = plan_.toolchain;
  wanted.pool = plan_.pool;
  wanted.count = static_cast<std::uint32_t>(possible - coming);
  wanted.affinity = "project " + std::to_string(id_ % 7);
  const auto request = wanted.key.request;
  asked_[request] = wanted.count;
  links_.to_coordinator(wanted);
  world_.after(kAskPatience, [this, request, life = life_] {
    if (life != life_ || asked_.erase(request) == 0) return;
    turn();
  });
}

void ModelClient::granted(const coordinator::LeasesGranted& grant) {
  if (!alive_ || grant.key.client != id_) return;
  if (first_grant == TimePoint{}) first_grant = world_.now();
  const auto asked = asked_.find(grant.key.request);
  if (asked != asked_.end()) {
    asked->second -=
        std::min<std::uint32_t>(asked->second, static_cast<std::uint32_t>(grant.slots.size()));
    if (asked->second == 0) asked_.erase(asked);
  }
  for (const auto& slot : grant.slots) {
    const auto expires = world_.now() + milliseconds(slot.lease.lifetime_ms);
    leases_.emplace(slot.lease.id, Held{slot.lease, slot.lease.tasks, expires, false});
  }
  turn();
}

void ModelClient::refused(const coordinator::LeasesRefused& refusal) {
  if (!alive_ || refusal.key.client != id_) return;
  if (asked_.erase(refusal.key.request) == 0) return;
  quiet_until_ = world_.now() + milliseconds(500);
  world_.after(milliseconds(500), [this] { turn(); });
}

void ModelClient::run(Held& held, std::uint32_t task) {
  held.in_use = true;
  --held.left;
  const auto attempt = (id_ << 32) + next_attempt_++;
  attempts_[attempt] = {held.lease.id, task};
  RunRequest request;
  request.lease = held.lease;
  request.attempt = attempt;
  request.toolchain = plan_.toolchain;
  const auto span = (plan_.most_task - plan_.least_task).count();
  request.duration =
      plan_.least_task + Duration(world_.random.below(static_cast<std::size_t>(span) + 1));
  request.answer = [this, attempt](bool done) {
    world_.send([this, attempt, done] { answered(attempt, done ? Answer::done : Answer::busy); });
  };
  links_.to_worker(held.lease.worker, request);
  world_.after(kResultPatience, [this, attempt] { answered(attempt, Answer::silence); });
}

void ModelClient::answered(std::uint64_t attempt, Answer answer) {
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return;
  const auto [lease, task] = found->second;
  attempts_.erase(found);
  const auto held = leases_.find(lease);
  if (answer == Answer::done) {
    if (held != leases_.end()) held->second.in_use = false;
    task_done();
  } else {
    drop(lease);
    if (answer == Answer::busy) {  // not a failure of the task: back to placement
      ++busy;
      waiting_.push_front(task);
    } else {
      failed(task);
    }
  }
  turn();
}

void ModelClient::failed(std::uint32_t task) {
  if (++failures_[task] < kMostFailures) {
    waiting_.push_front(task);
    return;
  }
  ++local;
  world_.after(plan_.most_task, [this] { task_done(); });
}

void ModelClient::task_done() {
  if (++done_ == plan_.tasks) ended = world_.now();
}

void ModelClient::drop(const LeaseId& id) {
  leases_.erase(id);
  links_.to_coordinator(coordinator::LeasesReleased{id_, {id}});
}

}  // namespace kiln::simulation
