#include "coordinator/scheduling/request_queue.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "common/base/check.h"

namespace kiln::coordinator {
namespace {

void note(std::map<std::string, Waiting>& groups, const std::string& name,
          const WaitingRequest& request) {
  auto& group = groups.try_emplace(name, Waiting{0, 0, request.since}).first->second;
  ++group.requests;
  group.leases += request.wanted.count;
  group.since = std::min(group.since, request.since);
}

}  // namespace

std::size_t RequestQueue::waiting_of(ClientId client) const {
  return of_client(client).size();
}

WaitingRequest* RequestQueue::find(const RequestKey& key) {
  const auto found = requests_.find(key);
  return found == requests_.end() ? nullptr : &found->second;
}

std::vector<RequestKey> RequestQueue::of_client(ClientId client) const {
  std::vector<RequestKey> keys;
  const auto end = requests_.upper_bound({client, std::numeric_limits<std::uint64_t>::max()});
  for (auto at = requests_.lower_bound({client, 0}); at != end; ++at) keys.push_back(at->first);
  return keys;
}

std::vector<RequestKey> RequestQueue::of_lane(const Lane& lane) const {
  std::vector<RequestKey> keys;
  for (const auto& entry : requests_) {
    if (entry.second.wanted.lane() == lane) keys.push_back(entry.first);
  }
  return keys;
}

std::map<std::string, Waiting> RequestQueue::by_pool() const {
  std::map<std::string, Waiting> pools;
  for (const auto& entry : requests_) note(pools, entry.second.wanted.pool, entry.second);
  return pools;
}

std::map<std::string, Waiting> RequestQueue::by_build() const {
  std::map<std::string, Waiting> builds;
  for (const auto& entry : requests_) {
    const auto& wanted = entry.second.wanted;
    if (!wanted.is_nameless) note(builds, wanted.build, entry.second);
  }
  return builds;
}

RequestQueue::Turn RequestQueue::turn_of(const WaitingRequest& request) {
  return {-std::int64_t{request.wanted.priority}, request.order, request.wanted.key};
}

RequestQueue::Rank RequestQueue::rank_of(const std::string& name, const Build& build,
                                         const Line& line) {
  const auto priority = std::clamp<std::int64_t>(-std::get<0>(*line.turns.begin()), -8, 8);
  return {(build.held + 1) << static_cast<unsigned>(8 - priority), build.served, name};
}

void RequestQueue::rank(const std::string& name, Build& build, bool on) {
  for (const auto& entry : build.lines) {
    if (entry.second.turns.empty()) continue;
    auto& lane = lanes_[entry.first];
    const auto place = rank_of(name, build, entry.second);
    if (on) {
      lane.insert(place);
    } else {
      KILN_CHECK(lane.erase(place) == 1);
    }
    if (lane.empty()) lanes_.erase(entry.first);
  }
}

void RequestQueue::enter(const WaitingRequest& request) {
  const auto& name = request.wanted.build;
  auto& build = builds_[name];
  rank(name, build, false);
  build.lines[request.wanted.lane()].turns.insert(turn_of(request));
  rank(name, build, true);
}

void RequestQueue::leave(const WaitingRequest& request) {
  const auto& name = request.wanted.build;
  auto& build = builds_.at(name);
  rank(name, build, false);
  const auto line = build.lines.find(request.wanted.lane());
  KILN_CHECK(line != build.lines.end() && line->second.turns.erase(turn_of(request)) == 1);
  if (line->second.turns.empty()) build.lines.erase(line);
  rank(name, build, true);
}

void RequestQueue::add(WaitingRequest request) {
  const auto key = request.wanted.key;
  const auto added = requests_.emplace(key, std::move(request));
  KILN_CHECK(added.second);
  const auto& stored = added.first->second;
  enter(stored);
  if (builds_.at(stored.wanted.build).waiting++ == 0) ++waiting_builds_;
}

void RequestQueue::remove(const RequestKey& key) {
  const auto found = requests_.find(key);
  KILN_CHECK(found != requests_.end());
  const auto name = found->second.wanted.build;
  if (aside_.erase(key) == 0) leave(found->second);
  requests_.erase(found);
  if (--builds_.at(name).waiting == 0) --waiting_builds_;
  drop_if_unused(name);
}

void RequestQueue::drop_if_unused(const std::string& build) {
  const auto found = builds_.find(build);
  if (found != builds_.end() && found->second.held == 0 && found->second.waiting == 0) {
    builds_.erase(found);
  }
}

std::vector<Lane> RequestQueue::lanes() const {
  std::vector<Lane> lanes;
  for (const auto& entry : lanes_) lanes.push_back(entry.first);
  return lanes;
}

WaitingRequest* RequestQueue::next(const std::vector<Lane>& lanes) {
  std::optional<std::pair<Rank, Turn>> first;
  for (const auto& lane : lanes) {
    const auto found = lanes_.find(lane);
    if (found == lanes_.end()) continue;
    const auto& rank = *found->second.begin();
    // One build may wait in several lanes: then its own order decides.
    if (first && rank > first->first) continue;
    const auto& turn = *builds_.at(std::get<2>(rank)).lines.at(lane).turns.begin();
    if (!first || std::tie(rank, turn) < std::tie(first->first, first->second)) {
      first.emplace(rank, turn);
    }
  }
  return first ? find(std::get<2>(first->second)) : nullptr;
}

void RequestQueue::set_aside(const RequestKey& key) {
  leave(requests_.at(key));
  aside_.insert(key);
}

void RequestQueue::restore() {
  for (const auto& key : aside_) enter(requests_.at(key));
  aside_.clear();
}

void RequestQueue::add_held(const std::string& name, int change) {
  auto& build = builds_[name];
  rank(name, build, false);
  KILN_CHECK(change > 0 || build.held > 0);
  build.held = change > 0 ? build.held + 1 : build.held - 1;
  if (change > 0) build.served = ++serving_;
  rank(name, build, true);
  drop_if_unused(name);
}

std::uint64_t RequestQueue::held(const std::string& build) const {
  const auto found = builds_.find(build);
  return found == builds_.end() ? 0 : found->second.held;
}

}  // namespace kiln::coordinator
