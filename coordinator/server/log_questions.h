// Questions about workers' logs that are passed on to them, until they answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "common/net/router.h"

namespace kiln::coordinator {

class LogQuestions {
 public:
  struct Question {
    net::PeerId worker;
    net::PeerId agent;
    std::uint64_t request = 0;  // the agent's number of it
  };

  // The number under which the worker is asked.
  std::uint64_t add(Question question) {
    open_.emplace(++last_, std::move(question));
    return last_;
  }
  // The question that `worker` answers; nothing: none of its, or it came too late.
  std::optional<Question> take(const net::PeerId& worker, std::uint64_t number) {
    const auto found = open_.find(number);
    if (found == open_.end() || found->second.worker != worker) return std::nullopt;
    return std::move(open_.extract(found).mapped());
  }
  std::size_t size() const { return open_.size(); }

 private:
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Question> open_;
};

}  // namespace kiln::coordinator
