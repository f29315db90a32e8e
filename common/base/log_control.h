// The levels of a running process' log as people change them: for good, or for a while, after which
// they are what they were. Time is an input.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/time.h"

namespace kiln {

class LogControl {
 public:
  struct Standing {
    std::string part;
    LogLevel level = LogLevel::info;
    LogLevel then = LogLevel::info;  // what it will be when `left` is over
    Duration left{};                 // zero: it stays
  };

  explicit LogControl(Logger log) : log_(std::move(log)) {}

  // Changes the parts that `levels` speak of; `lasts` zero: until somebody changes them again.
  void change(const LogLevels& levels, Duration lasts, TimePoint now);
  // Brings back what was changed for a while that is over.
  void tick(TimePoint now);
  // When to call tick() next; nullopt: nothing comes back.
  std::optional<TimePoint> next_deadline() const;

  std::vector<Standing> standing(TimePoint now) const;

 private:
  struct Passing {
    LogLevel then;
    TimePoint ends;
  };

  Logger log_;
  std::map<std::string, Passing, std::less<>> passing_;
};

}  // namespace kiln
