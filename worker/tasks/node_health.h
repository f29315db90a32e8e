// Whether a node that fails its tasks by its own fault should be given more: pure.
//
// A node with a full disk fails a task within a millisecond, is free again at once, and free nodes
// are preferred: alone it would ruin a build. So after a few such failures in a row the node takes
// nothing for a while, then one task on trial. If that one fails too, the rest is twice as long.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.h"
#include "common/model/task.h"

namespace kiln::worker {

class NodeHealth {
 public:
  struct Policy {
    std::uint32_t strikes = 3;  // failures in a row
    Duration first_rest = seconds(1);
    Duration longest_rest = seconds(60);
  };
  // What the end of a task tells of the node; nothing when it was cancelled or badly made.
  enum class Verdict : std::uint8_t { works, nothing, fails };

  explicit NodeHealth(const Policy& policy) : policy_(policy) {}

  // Whether a new task may be accepted.
  bool takes(TimePoint now) const;
  void accepted(const AttemptId& attempt);
  void ended(const AttemptId& attempt, Verdict verdict, TimePoint now);

  // True once when a rest has ended: others should hear of it.
  bool rest_ended(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

 private:
  void rest(TimePoint now);

  Policy policy_;
  std::uint32_t failures_ = 0;  // in a row
  std::uint32_t rests_ = 0;     // likewise
  std::optional<TimePoint> rest_until_;
  bool rest_over_ = false;  // and told
  std::optional<AttemptId> trial_;
};

}  // namespace kiln::worker
