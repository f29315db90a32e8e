// What happened to nodes and pools, for people: told from one look at the farm to the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/live/snapshot.h"

namespace kiln::coordinator {

enum class Severity : std::uint8_t { info, good, warning, bad };
std::string_view name(Severity severity);

struct FarmEvent {
  std::uint64_t id = 0;    // ascending from 1
  std::uint64_t look = 0;  // at which it was noticed
  TimePoint at{};
  std::string kind;  // a stable word, listed in docs/http.md
  Severity severity = Severity::info;
  std::string subject;  // the node's or the pool's name
  std::string text;
};

class FarmEvents {
 public:
  // Keeps that many.
  explicit FarmEvents(std::size_t capacity = 200) : capacity_(capacity) {}

  // The coordinator began.
  void started(TimePoint now, const std::string& version);
  // `losses`: what is known of workers that were given up since the last look.
  void look(std::uint64_t look, const FarmSnapshot& farm, const std::vector<WorkerLost>& losses);

  const std::deque<FarmEvent>& events() const { return events_; }

 private:
  struct Pool {
    std::uint64_t version = 0;
    std::set<std::string> broken;  // the nodes; one that is lost stays among them
  };
  void look_at_nodes(const FarmSnapshot& farm, const std::vector<WorkerLost>& losses);
  void look_at_node(const NodeView& view, NodeState before, const WorkerLost* loss, TimePoint now);
  void look_at_pools(const FarmSnapshot& farm);
  void look_at_health(const PoolView& view, Pool& known, TimePoint now);
  void add(TimePoint at, std::string kind, Severity severity, const std::string& subject,
           std::string text);

  std::size_t capacity_;
  std::uint64_t last_ = 0;
  std::uint64_t look_ = 0;
  std::deque<FarmEvent> events_;
  std::map<std::string, NodeState> nodes_;
  std::map<std::string, Pool> pools_;
  bool looked_ = false;  // before that the pools are those of the disk, and not new
};

}  // namespace kiln::coordinator
