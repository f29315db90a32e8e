// Who gets the room there is. Free slots go first, then staging places; of the requests the queue
// says who is next, of the nodes placement says which. The work per lease does not grow with the
// farm; a request that no candidate suits is set aside for this step.
#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "coordinator/scheduling/placement.h"
#include "coordinator/scheduling/scheduler.h"

namespace kiln::coordinator {
namespace {

// Requests set aside per step and lane: those that none of a sample of nodes suits, as
// others may find one that does in the next step, and all of them. The second bound is larger, so
// that those which exclude each node with room do not keep it from the others.
constexpr std::size_t kMaxSampled = 8;
constexpr std::size_t kMaxSetAside = 256;
constexpr std::size_t kMaxSources = 3;

std::uint32_t milliseconds_of(Duration duration) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<milliseconds>(duration).count());
}

}  // namespace

void Scheduler::dispatch(Outputs& out) {
  std::map<RequestKey, LeasesGranted> granted;
  for (const auto room : {Room::slot, Room::staging}) {
    dispatch_room(room, granted);
    queue_.restore();
  }
  for (auto& entry : granted) out.push_back(std::move(entry.second));
}

// Pools share the slots of their nodes: so of all lanes with room the one is served whose next
// request is first, and a lane without room keeps nothing from the others.
void Scheduler::dispatch_room(Room room, std::map<RequestKey, LeasesGranted>& granted) {
  struct Tried {
    std::size_t aside = 0;
    std::size_t sampled = 0;
  };
  std::map<Lane, Tried> tried;
  auto lanes = queue_.lanes();
  while (true) {
    std::erase_if(lanes, [&](const Lane& lane) { return nodes_.with_room(lane, room).empty(); });
    auto* request = queue_.next(lanes);
    if (request == nullptr) return;
    const auto key = request->wanted.key;
    const auto chosen = choose_node(nodes_, request->wanted, room, random_);
    if (!chosen) {
      const auto lane = request->wanted.lane();
      auto& so_far = tried[lane];
      queue_.set_aside(key);
      ++so_far.aside;
      if (nodes_.with_room(lane, room).size() > kAnyCandidates) ++so_far.sampled;
      if (so_far.aside >= kMaxSetAside || so_far.sampled >= kMaxSampled) std::erase(lanes, lane);
      continue;
    }
    auto& answer = granted[key];
    answer.key = key;
    answer.waited = now_ - request->since;
    answer.slots.push_back(grant(*request, nodes_.at(*chosen), room));
    if (--request->wanted.count == 0) remove_request(key);
  }
}

GrantedSlot Scheduler::grant(WaitingRequest& request, Node& node, Room room) {
  const bool brief = is_short(room);
  const auto lifetime = brief ? options_.short_lifetime : options_.lease_lifetime;
  GrantedSlot slot;
  slot.lease.id = {options_.epoch, next_lease_++};
  slot.lease.worker = node.info->name;
  slot.lease.worker_epoch = node.info->epoch;
  slot.lease.tasks = brief ? options_.short_tasks : options_.tasks_per_lease;
  slot.lease.lifetime_ms = milliseconds_of(lifetime);
  slot.lease.staging = room == Room::staging;
  slot.lease.pool = request.wanted.pool;
  slot.task_address = node.info->task_address;
  slot.bulk_address = node.info->bulk_address;
  slot.toolchain_sources = sources_of(request.wanted, node);

  leases_.add({slot.lease.id.number, request.wanted.key.client, node.number, request.wanted.build,
               request.wanted.pool, now_ + lifetime + options_.lease_grace});
  nodes_.add_leased(node, request.wanted.pool, +1);
  queue_.add_held(request.wanted.build, +1);
  check_invariants(node);
  return slot;
}

bool Scheduler::is_short(Room room) const {
  return room == Room::staging || queue_.waiting_builds() > 1 ||
         nodes_.free_slots() * 4 <= nodes_.total_slots();
}

std::vector<std::string> Scheduler::sources_of(const LeasesWanted& wanted, const Node& node) {
  const auto& staged = nodes_.staged(wanted.toolchain);
  if (staged.contains(node.number)) return {};
  std::vector<NodeNumber> numbers;
  staged.sample(kMaxSources, random_, numbers);
  std::vector<std::string> sources;
  for (const auto number : numbers) {
    const auto& address = nodes_.at(number).info->bulk_address;
    if (std::find(sources.begin(), sources.end(), address) == sources.end()) {
      sources.push_back(address);
    }
  }
  return sources;
}

void Scheduler::check_invariants(const Node& node) const {
  const std::uint64_t most = std::uint64_t{node.info->slots} * (1 + options_.staging_per_slot);
  KILN_CHECK(node.state == NodeState::ready);
  KILN_CHECK(node.leased <= most);
  KILN_CHECK(node.used() <= most);
  KILN_CHECK(nodes_.free_slots() <= nodes_.total_slots());
}

}  // namespace kiln::coordinator
