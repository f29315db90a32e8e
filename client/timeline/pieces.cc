#include "client/timeline/pieces.h"

#include <algorithm>
#include <utility>

namespace kiln::client {
namespace {

bool is_set(TimePoint time) {
  return time != TimePoint{};
}

std::int64_t clamped(std::uint64_t microseconds, std::int64_t most) {
  return microseconds < static_cast<std::uint64_t>(most) ? static_cast<std::int64_t>(microseconds)
                                                         : most;
}

// Lays phases one after the other.
class PhaseRow {
 public:
  explicit PhaseRow(std::int64_t begin) : at_(begin) {}
  void until(const char* name, std::int64_t end) {
    if (end > at_) phases_.push_back({name, {std::exchange(at_, end), end}});
  }
  void take(const char* name, std::int64_t duration) { until(name, at_ + duration); }
  std::vector<Phase> phases() && { return std::move(phases_); }

 private:
  std::int64_t at_;
  std::vector<Phase> phases_;
};

class Cutter {
 public:
  Cutter(const Job& job, TimePoint origin) : job_(job), call_(*job.record), origin_(origin) {}

  std::vector<Piece> cut() && {
    list();
    for (const auto& unit : call_.traces) {
      for (const auto& attempt : unit.attempts) add(attempt);
      for (const auto& wait : unit.waits) add(wait);
    }
    if (call_.ran == CallRecord::Ran::remotely && last_attempt_ != kNone) {
      pieces_[last_attempt_].is_job = true;
    } else {
      end_here();
    }
    return std::move(pieces_);
  }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;

  std::int64_t at(TimePoint time) const {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time - origin_);
    return std::max<std::int64_t>(since.count(), 0);
  }
  Piece& piece(Piece::Row row, std::int64_t begin, std::int64_t end) {
    Piece& made = pieces_.emplace_back();
    made.row = row;
    made.job = &job_;
    made.span = {begin, std::max(begin, end)};
    return made;
  }
  // The first lease is waited for in the same place.
  const AttemptTrace* first_wait() const {
    for (const auto& unit : call_.traces) {
      if (!unit.attempts.empty()) return &unit.attempts.front();
      if (!unit.waits.empty()) return &unit.waits.front();
    }
    return nullptr;
  }
  std::int64_t lease_end(const AttemptTrace& attempt) const {
    return at(is_set(attempt.leased) ? attempt.leased : attempt.ended);
  }
  void list();
  void add(const AttemptTrace& attempt);
  std::vector<Phase> phases_there(const AttemptTrace& attempt) const;
  void end_here();

  const Job& job_;
  const CallRecord& call_;
  TimePoint origin_;
  std::vector<Piece> pieces_;
  std::size_t last_attempt_ = kNone;
  std::size_t attempts_ = 0;
};

void Cutter::list() {
  const std::int64_t begin = at(call_.begun);
  PhaseRow row(begin);
  const AttemptTrace* first = first_wait();
  std::int64_t end = at(call_.ended);
  if (is_set(call_.listing_begun)) {
    row.until("wait to list", at(call_.listing_begun));
    row.until("list", at(call_.listing_ended));
  }
  if (first != nullptr) {
    row.until("probe", at(first->asked));
    end = lease_end(*first);
    row.until("lease", end);
  }
  piece(Piece::Row::listing, begin, end).phases = std::move(row).phases();
}

void Cutter::add(const AttemptTrace& attempt) {
  if (&attempt != first_wait()) {
    PhaseRow row(at(attempt.asked));
    row.until("lease", lease_end(attempt));
    piece(Piece::Row::listing, at(attempt.asked), lease_end(attempt)).phases =
        std::move(row).phases();
  }
  if (!is_set(attempt.leased)) return;
  last_attempt_ = pieces_.size();
  Piece& there = piece(Piece::Row::node, at(attempt.leased), at(attempt.ended));
  there.attempt = &attempt;
  there.number = ++attempts_;
  there.phases = phases_there(attempt);
  if (!is_set(attempt.written)) return;
  PhaseRow row(at(attempt.ended));
  row.until("write", at(attempt.written));
  piece(Piece::Row::returning, at(attempt.ended), at(attempt.written)).phases =
      std::move(row).phases();
}

std::vector<Phase> Cutter::phases_there(const AttemptTrace& attempt) const {
  PhaseRow row(at(attempt.leased));
  const std::int64_t end = at(attempt.ended);
  const std::int64_t sent = is_set(attempt.sent) ? at(attempt.sent) : end;
  const Usage& usage = attempt.usage;
  const std::int64_t whole = std::max<std::int64_t>(end - sent, 0);
  const std::int64_t run = clamped(usage.run_us, whole);
  const std::int64_t root = clamped(usage.root_us, whole - run);
  const std::int64_t queue = clamped(usage.queue_us, whole - run - root);
  if (run + root + queue == 0) {  // no result came
    row.until("transfer", sent);
    row.until("no result", end);
    return std::move(row).phases();
  }
  row.until("transfer", sent + (whole - run - root - queue) / 2);
  row.take("queue", queue);
  row.take("root", root);
  row.take("run", run);
  row.until("return", end);
  return std::move(row).phases();
}

void Cutter::end_here() {
  if (call_.ran == CallRecord::Ran::nowhere) {
    piece(Piece::Row::nowhere, at(call_.begun), at(call_.ended)).is_job = true;
    return;
  }
  const std::int64_t begin = at(call_.ended);
  const std::int64_t end = is_set(job_.here_ended) ? at(job_.here_ended) : begin;
  PhaseRow row(begin);
  row.until("here", end);
  Piece& here = piece(Piece::Row::here, begin, end);
  here.is_job = true;
  here.phases = std::move(row).phases();
}

}  // namespace

std::vector<Piece> pieces_of(const Job& job, TimePoint origin) {
  return Cutter(job, origin).cut();
}

}  // namespace kiln::client
