#include "common/net/log_desk.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kiln::net {
namespace {

// Nobody means more, and a clock has room for it.
constexpr std::uint64_t kLongestMs = std::uint64_t{1000} * 60 * 60 * 24 * 365;

std::uint64_t whole_milliseconds(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(duration).count());
}

}  // namespace

LogDesk::~LogDesk() {
  if (timer_ != 0) reactor_.cancel(timer_);
}

Result<wire::LogState> LogDesk::serve(const wire::LogChange& change, std::string_view by) {
  const TimePoint now = reactor_.now();
  if (!change.levels.empty()) {
    KILN_TRY_ASSIGN(const auto levels, parse_log_levels(change.levels, log_.parts()));
    const Duration lasts = milliseconds(std::min(change.lasts_ms, kLongestMs));
    control_.change(levels, lasts, now);
    log_.info("log_levels_changed",
              {{"levels", change.levels}, {"seconds", in_seconds(lasts)}, {"by", by}});
    arm();
  }
  wire::LogState state;
  state.request = change.request;
  for (const auto& one : control_.standing(now)) {
    state.parts.push_back({one.part, std::string(name(one.level)), std::string(name(one.then)),
                           whole_milliseconds(one.left)});
  }
  return state;
}

void LogDesk::arm() {
  if (timer_ != 0) reactor_.cancel(std::exchange(timer_, 0));
  const auto next = control_.next_deadline();
  if (!next) return;
  timer_ = reactor_.call_at(*next, [this] {
    timer_ = 0;
    control_.tick(reactor_.now());
    log_.info("log_levels_back");
    arm();
  });
}

void reopen_log(const Logger& log) {
  const auto status = log.reopen();
  if (!status) return log.error("log_not_reopened", {{"error", status.error()}});
  log.info("log_reopened");
}

}  // namespace kiln::net
