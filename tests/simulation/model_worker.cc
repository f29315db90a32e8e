#include "tests/simulation/model_worker.h"

#include <algorithm>

namespace kiln::simulation {

void ModelWorker::begin() {
  alive_ = true;
  ++life_;
  info_.epoch = world_.random.next();
  occupancy_ = Occupancy{};
  occupancy_.core_speed = speed_;
  publish();
}

void ModelWorker::crash() {
  alive_ = false;
  ++life_;
  leases_.clear();
  attempts_.clear();
  running_.clear();
  queue_.clear();
  pools.crash();
}

bool ModelWorker::acceptable(const RunRequest& request) {
  const auto& lease = request.lease;
  if (lease.worker != info_.name || lease.worker_epoch != info_.epoch) return false;
  if (!pools.serves(lease.pool)) return false;
  auto& state = leases_[lease.id];
  if (state.expires == TimePoint{}) {
    state = {lease.tasks, world_.now() + milliseconds(lease.lifetime_ms), 0};
  }
  if (state.left == 0 || state.expires <= world_.now() || state.unfinished > 0) return false;
  return running_.size() + queue_.size() < std::size_t{2} * info_.slots;
}

void ModelWorker::run(const RunRequest& request) {
  if (!alive_) return;
  if (attempts_.count(request.attempt) != 0) return;  // a repeated message
  if (!acceptable(request)) {
    ++refused;
    request.answer(false);
    return;
  }
  attempts_.insert(request.attempt);
  auto& state = leases_[request.lease.id];
  --state.left;
  ++state.unfinished;
  queue_.push_back(request);
  fill_slots();
  publish();
}

void ModelWorker::fill_slots() {
  for (std::uint32_t slot = 0; slot < info_.slots && !queue_.empty(); ++slot) {
    if (running_.count(slot) != 0) continue;
    const auto& task = running_.emplace(slot, std::move(queue_.front())).first->second;
    queue_.pop_front();
    auto& staged = occupancy_.toolchains;
    if (std::find(staged.begin(), staged.end(), task.toolchain) == staged.end()) {
      staged.push_back(task.toolchain);
    }
    world_.after(held(task), [this, slot, life = life_] { finish(slot, life); });
  }
}

Duration ModelWorker::held(const RunRequest& request) const {
  return std::chrono::duration_cast<Duration>(request.duration / speed_);
}

void ModelWorker::finish(std::uint32_t slot, std::uint64_t life) {
  if (life != life_) return;
  const auto found = running_.find(slot);
  if (found == running_.end()) {
    ++violations;
    return;
  }
  const auto task = std::move(found->second);
  running_.erase(found);
  --leases_[task.lease.id].unfinished;
  ++completed;
  slot_time += held(task);
  task.answer(true);
  fill_slots();
  publish();
}

void ModelWorker::publish() {
  if (running_.size() > info_.slots) ++violations;
  ++occupancy_.sequence;
  occupancy_.running = static_cast<std::uint32_t>(running_.size());
  occupancy_.queued = static_cast<std::uint32_t>(queue_.size());
  occupancy_.ready = info_.slots - occupancy_.running;
  occupancy_.completed = completed;
  if (changed) changed();
}

}  // namespace kiln::simulation
