// The questions of one look at the farm, asked together and answered as they come: none is waited
// for here, so that keys and signals are heard meanwhile.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>

#include "client/cli/top_farm.h"
#include "client/launcher/call.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace kiln::client {

class TopQuestions {
 public:
  // Asks `status`, `nodes`, `pools` and `tasks` of the agent that runs; none is started.
  TopQuestions(const Caller& caller, TimePoint now);

  // One item for each question that has no answer yet.
  std::vector<struct pollfd> items() const;
  // Reads from those that are readable; those that have waited too long have failed.
  void take(const std::vector<struct pollfd>& items, TimePoint now);
  // Until when an answer may take.
  TimePoint deadline() const { return deadline_; }
  bool is_answered() const;
  // REQUIRES: is_answered().
  TopAnswers answers() const;

 private:
  struct Question {
    std::string name;
    UniqueFd fd;
    std::optional<Result<std::string>> answer;
  };

  static Result<UniqueFd> send(const std::string& name, const Caller& caller);
  static void read(Question& question);

  TimePoint deadline_;
  std::array<Question, 4> questions_;
};

}  // namespace kiln::client
