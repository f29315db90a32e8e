// Answers to changes of pools that wait until the nodes have taken the change up, so that what they
// show is the state after it: pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace kiln::coordinator {

using AnswerId = std::uint64_t;

class HeldAnswers {
 public:
  // A node that is stuck, or that does not say what its reports reflect, is not waited for longer.
  static constexpr Duration kLongest = seconds(1);
  // Those beyond are given at once.
  static constexpr std::size_t kMost = 256;
  // By node: the number of the order that it is to have taken up.
  using Awaited = std::map<std::string, std::uint64_t>;
  using TookUp = std::function<bool(const std::string& pool, std::uint64_t order)>;

  AnswerId hold(const std::string& pool, Awaited nodes, TimePoint now);
  // Something was heard of the node. `took_up` is true also of orders that do not concern it any
  // more.
  void look(const std::string& node, const TookUp& took_up);
  // Those that wait no longer, the oldest first; each is given once.
  std::vector<AnswerId> take(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

 private:
  struct Held {
    std::string pool;
    Awaited nodes;
    TimePoint until;
  };
  std::map<AnswerId, Held> held_;  // the older, the sooner due
  AnswerId next_ = 1;
};

}  // namespace kiln::coordinator
