#include "client/cli/top_looks.h"

#include <utility>

namespace kiln::client {

std::vector<struct pollfd> TopLooks::items() const {
  return asked_ ? asked_->items() : std::vector<struct pollfd>{};
}

void TopLooks::go_on(const std::vector<struct pollfd>& items) {
  const TimePoint now = Clock::now();
  if (asked_) {
    asked_->take(items, now);
  } else if (now >= next_) {
    asked_.emplace(caller_, now);
    next_ = now + interval_;
  }
  if (asked_ && asked_->is_answered()) keep(asked_->answers(), now);
}

void TopLooks::keep(const TopAnswers& answers, TimePoint now) {
  TopFarm farm = top_farm(answers);
  if (farm_) set_rates(farm, *farm_, now - answered_);
  farm_ = std::move(farm);
  answered_ = now;
  asked_.reset();
}

}  // namespace kiln::client
