#include "worker/tasks/node_health.h"

#include "worker/pools/backoff.h"

namespace kiln::worker {

bool NodeHealth::takes(TimePoint now) const {
  return !rest_until_ || (now >= *rest_until_ && !trial_);
}

void NodeHealth::accepted(const AttemptId& attempt) {
  if (rest_until_ && !trial_) trial_ = attempt;
}

// What was accepted before the rest tells nothing new while it lasts.
void NodeHealth::ended(const AttemptId& attempt, Verdict verdict, TimePoint now) {
  const bool is_trial = trial_ == attempt;
  if (is_trial) trial_.reset();
  if (rest_until_ && !is_trial) return;
  if (verdict == Verdict::works) {
    failures_ = rests_ = 0;
    rest_until_.reset();
  } else if (verdict == Verdict::fails && (++failures_ >= policy_.strikes || is_trial)) {
    rest(now);
  }
}

void NodeHealth::rest(TimePoint now) {
  rest_until_ = now + doubled(policy_.first_rest, rests_++, policy_.longest_rest);
  rest_over_ = false;
}

bool NodeHealth::rest_ended(TimePoint now) {
  if (!rest_until_ || rest_over_ || now < *rest_until_) return false;
  rest_over_ = true;
  return true;
}

std::optional<TimePoint> NodeHealth::next_deadline() const {
  return rest_over_ ? std::nullopt : rest_until_;
}

}  // namespace kiln::worker
