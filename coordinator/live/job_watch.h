// Tells what the tasks of the farm did from one report of a worker to the next. Reports are
// absolute, so that what was not seen to happen is made good by the next one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/model/node.h"

namespace kiln::coordinator {

// A task that came, entered another phase, or went.
struct JobChange {
  enum class Kind : std::uint8_t {
    came,   // with all that is known of it
    moved,  // to another phase
    went,   // its worker holds it no more
    lost,   // likewise, as its worker was lost
  };
  Kind kind = Kind::came;
  std::string node;
  AttemptId attempt;
  TaskPhase phase = TaskPhase::queued;  // of came and moved
  TimePoint at{};                       // when the phase began, or when it went
  // Of `came` only.
  TimePoint accepted{};
  std::string label{};
  std::string pool{};
  std::string build{};
  std::string client{};
};

class JobWatch {
 public:
  // Appends what a worker's report changes. A report older than the last one changes nothing; one
  // of another epoch ends the tasks of the epoch before.
  void reported(const std::string& node, std::uint64_t epoch, const Occupancy& occupancy,
                TimePoint now, std::vector<JobChange>& out);
  // The worker's tasks are lost with it.
  void lost(const std::string& node, TimePoint now, std::vector<JobChange>& out);
  // Every task is new again with the next reports.
  void forget_all() { nodes_.clear(); }

 private:
  struct Known {
    AttemptId attempt;
    TaskPhase phase = TaskPhase::queued;
  };
  struct Node {
    std::uint64_t epoch = 0;
    std::uint64_t sequence = 0;
    std::vector<Known> tasks;  // by attempt
  };
  std::map<std::string, Node> nodes_;
};

}  // namespace kiln::coordinator
