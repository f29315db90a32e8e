#include "common/base/log_control.h"

#include <algorithm>

namespace kiln {

void LogControl::change(const LogLevels& levels, Duration lasts, TimePoint now) {
  for (const auto part : log_.parts()) {
    const auto level = levels.of(part);
    if (!level) continue;
    const auto passing = passing_.find(part);
    const auto lasting = passing == passing_.end() ? log_.level(part) : passing->second.then;
    if (passing != passing_.end()) passing_.erase(passing);
    if (lasts > Duration::zero()) passing_.emplace(part, Passing{lasting, now + lasts});
    log_.set_level(part, *level);
  }
}

void LogControl::tick(TimePoint now) {
  for (auto at = passing_.begin(); at != passing_.end();) {
    if (at->second.ends > now) {
      ++at;
      continue;
    }
    log_.set_level(at->first, at->second.then);
    at = passing_.erase(at);
  }
}

std::optional<TimePoint> LogControl::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [part, passing] : passing_) {
    next = std::min(next.value_or(passing.ends), passing.ends);
  }
  return next;
}

std::vector<LogControl::Standing> LogControl::standing(TimePoint now) const {
  std::vector<Standing> all;
  for (const auto part : log_.parts()) {
    Standing one{std::string(part), log_.level(part), log_.level(part), {}};
    if (const auto found = passing_.find(part); found != passing_.end()) {
      one.then = found->second.then;
      one.left = std::max(found->second.ends - now, Duration(1));
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace kiln
