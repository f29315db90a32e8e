// One look at the farm after the other.
#pragma once

#include <optional>
#include <vector>

#include <poll.h>

#include "client/cli/top_farm.h"
#include "client/cli/top_questions.h"
#include "client/launcher/call.h"
#include "common/base/time.h"

namespace kiln::client {

class TopLooks {
 public:
  // The first look is due at once, each other `interval` after the one before it, but not before
  // that is answered. `caller` outlives this.
  TopLooks(const Caller& caller, Duration interval)
      : caller_(caller), interval_(interval), next_(Clock::now()) {}

  // As it was at the last look; nothing before the first.
  const std::optional<TopFarm>& farm() const { return farm_; }
  // What to wait for.
  std::vector<struct pollfd> items() const;
  // When there is something to do even if nothing comes.
  TimePoint due() const { return asked_ ? asked_->deadline() : next_; }
  // Does what can be done; `items` are those of items(), and maybe others, after the waiting.
  void go_on(const std::vector<struct pollfd>& items);

 private:
  void keep(const TopAnswers& answers, TimePoint now);

  const Caller& caller_;
  const Duration interval_;
  std::optional<TopQuestions> asked_;
  TimePoint next_;
  std::optional<TopFarm> farm_;
  TimePoint answered_;
};

}  // namespace kiln::client
