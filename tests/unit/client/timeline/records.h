// Calls as an agent remembers them, made without one: times are milliseconds after the start.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "client/timeline/build_book.h"

namespace kiln::client {

inline TimePoint at_ms(int time) {
  return TimePoint{} + seconds(1000) + milliseconds(time);
}

inline std::shared_ptr<CallRecord> call_of(const std::string& file, int begun, int ended) {
  auto record = std::make_shared<CallRecord>();
  record->file = file;
  record->reason = "compiled";
  record->ran = CallRecord::Ran::remotely;
  record->when = 1'000'000;
  record->begun = at_ms(begun);
  record->listing_begun = at_ms(begun + 1);
  record->listing_ended = at_ms(begun + 5);
  record->ended = at_ms(ended);
  record->wall = milliseconds(ended - begun);
  return record;
}

// Asked for a lease at `asked`, had it 2 ms later, and its RUN was sent 1 ms after that.
inline AttemptTrace attempt_on(const std::string& node, const std::string& outcome, int asked,
                               int ended) {
  AttemptTrace attempt{node, outcome};
  attempt.asked = at_ms(asked);
  attempt.leased = at_ms(asked + 2);
  attempt.sent = at_ms(asked + 3);
  attempt.ended = at_ms(ended);
  return attempt;
}

// Remote: 0 to 5 listed, 5 to 7 waiting, until 50 on the node, until 52 written.
inline std::shared_ptr<CallRecord> remote_call(const std::string& file, const std::string& node,
                                               int begun = 0) {
  auto record = call_of(file, begun, begun + 53);
  record->node = node;
  AttemptTrace attempt = attempt_on(node, "exited", begun + 5, begun + 50);
  attempt.written = at_ms(begun + 52);
  attempt.usage.queue_us = 10'000;
  attempt.usage.root_us = 2'000;
  attempt.usage.run_us = 20'000;
  attempt.bytes_in = 100;
  attempt.bytes_out = 7;
  record->traces.resize(1);
  record->traces[0].attempts.push_back(attempt);
  return record;
}

inline std::shared_ptr<CallRecord> local_call(const std::string& file, int begun, int ended,
                                              bool is_fallback = false) {
  auto record = call_of(file, begun, ended);
  record->ran = CallRecord::Ran::locally;
  record->is_fallback = is_fallback;
  record->reason = is_fallback ? "no_lease" : "linking";
  return record;
}

}  // namespace kiln::client
