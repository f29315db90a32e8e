#include "coordinator/scheduling/placement.h"

#include <algorithm>

namespace kiln::coordinator {
namespace {

// Enough that the best of the sample is near the best of all: with k random choices the expected
// rank of the best is 1/(k+1).
constexpr std::size_t kWarmCandidates = 8;
constexpr std::size_t kNearCandidates = 4;

constexpr double kFastest = 100;  // whatever a worker says

bool has_room(const PlacementQuestion& question, const Node& node) {
  if (question.wanted.pool == kDefaultPool) return node.room == question.room;
  const auto found = node.pools.find(question.wanted.pool);
  return found != node.pools.end() && found->second.room == question.room;
}
bool matches_architecture(const PlacementQuestion& question, const Node& node) {
  return node.info->architecture == question.wanted.architecture;
}
bool not_excluded(const PlacementQuestion& question, const Node& node) {
  const auto& names = question.wanted.excluded;
  return std::find(names.begin(), names.end(), node.info->name) == names.end();
}
bool not_draining(const PlacementQuestion&, const Node& node) {
  return node.state != NodeState::draining;
}
bool alive(const PlacementQuestion&, const Node& node) {
  return node.state != NodeState::lost;
}

bool serves_pool(const PlacementQuestion& question, const Node& node) {
  if (question.wanted.pool == kDefaultPool) return true;
  const auto found = node.pools.find(question.wanted.pool);
  return found != node.pools.end() && found->second.known && !found->second.broken;
}

// Executors that leases were given for already are not counted: the next goes elsewhere.
double pool_ready(const PlacementQuestion& question, const Node& node) {
  const auto found = node.pools.find(question.wanted.pool);
  return found != node.pools.end() && found->second.warm > found->second.leased ? 1 : 0;
}

bool is_staged(const PlacementQuestion& question, const Node& node) {
  const auto& staged = node.occupancy->toolchains;
  return std::find(staged.begin(), staged.end(), question.wanted.toolchain) != staged.end();
}

double toolchain_staged(const PlacementQuestion& question, const Node& node) {
  return is_staged(question, node) ? 1 : 0;
}
double toolchain_ready(const PlacementQuestion& question, const Node& node) {
  return node.occupancy->ready > 0 && is_staged(question, node) ? 1 : 0;
}

// The ring gives the few nodes that a key belongs to; rendezvous hashing orders them, so that each
// key has its own favourite among them and keeps it when others come and go.
double has_inputs(const PlacementQuestion& question, const Node& node) {
  const auto& near = question.near_key;
  if (std::find(near.begin(), near.end(), node.number) == near.end()) return 0;
  const auto weight =
      mix(stable_hash(question.wanted.affinity) ^ stable_hash(node.info->name)) >> 11;
  return 0.5 + 0.5 * static_cast<double>(weight) * 0x1p-53;
}

double idle_share(const PlacementQuestion& question, const Node& node) {
  if (node.info->slots == 0) return 0;
  const double slots = node.info->slots;
  const double used = static_cast<double>(node.used()) / slots;
  return question.room == Room::slot ? 1 - used : std::max(0.0, 2 - used) / 2;
}

// 1/2 for the reference and for what is not known (an older worker, or one that just began), near 0
// and 1 for what is far slower and faster.
double core_speed(const PlacementQuestion&, const Node& node) {
  const double told = node.occupancy->core_speed;
  const double speed = told > 0 ? std::min(told, kFastest) : 1;
  return speed / (1 + speed);
}

double memory_headroom(const PlacementQuestion&, const Node& node) {
  if (node.info->memory_bytes == 0) return 0;
  return std::min(1.0, static_cast<double>(node.occupancy->memory_available_bytes) /
                           static_cast<double>(node.info->memory_bytes));
}

double machine_load(const PlacementQuestion&, const Node& node) {
  if (node.info->slots == 0 || !(node.occupancy->load >= 0)) return 0;
  return 1 / (1 + node.occupancy->load / node.info->slots);
}

}  // namespace

const std::vector<Constraint>& constraints() {
  static const std::vector<Constraint> kConstraints = {
      {"has_room", has_room},
      {"matches_architecture", matches_architecture},
      {"not_excluded", not_excluded},
      {"not_draining", not_draining},
      {"alive", alive},
      {"serves_pool", serves_pool},
  };
  return kConstraints;
}

const std::vector<Score>& scores() {
  static const std::vector<Score> kScores = {
      {"pool_ready", 32, pool_ready},
      {"toolchain_staged", 16, toolchain_staged},
      {"toolchain_ready", 4, toolchain_ready},
      {"idle_share", 3, idle_share},
      {"has_inputs", 2, has_inputs},
      {"core_speed", 6, core_speed},
      {"memory_headroom", 0.5, memory_headroom},
      {"machine_load", 0.25, machine_load},
  };
  return kScores;
}

std::optional<NodeNumber> choose_node(const NodeTable& nodes, const LeasesWanted& wanted, Room room,
                                      Random& random) {
  std::vector<NodeNumber> near;
  if (!wanted.affinity.empty()) nodes.near(wanted.affinity, kNearCandidates, near);
  std::vector<NodeNumber> candidates = near;
  nodes.staged_with_room(wanted.toolchain, room).sample(kWarmCandidates, random, candidates);
  const auto lane = wanted.lane();
  nodes.pools().warm_with_room(lane, room).sample(kWarmCandidates, random, candidates);
  nodes.with_room(lane, room).sample(kAnyCandidates, random, candidates);

  const PlacementQuestion question{wanted, room, near};
  std::optional<NodeNumber> best;
  double best_score = 0;
  for (const auto number : candidates) {
    const auto& node = nodes.at(number);
    const bool allowed =
        std::all_of(constraints().begin(), constraints().end(),
                    [&](const Constraint& constraint) { return constraint.holds(question, node); });
    if (!allowed) continue;
    double score = 0;
    for (const auto& part : scores()) score += part.weight * part.value(question, node);
    if (!best || score > best_score) {
      best = number;
      best_score = score;
    }
  }
  return best;
}

}  // namespace kiln::coordinator
