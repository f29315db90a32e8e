// What the agent remembers of finished calls: the counts of `kiln stats`, and of each file where it
// ran last and why.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "client/timeline/call_record.h"

namespace kiln::client {

// A counted kind of event and its reasons.
struct Tally {
  std::uint64_t total = 0;
  std::map<std::string, std::uint64_t> reasons;
  void add(const std::string& reason) {
    ++total;
    ++reasons[reason];
  }
};

class History {
 public:
  // Keeps the newest `capacity` records.
  explicit History(std::size_t capacity) : capacity_(capacity) {}

  void add(std::shared_ptr<const CallRecord> record);
  // The newest record of the file, or null.
  const CallRecord* find(const std::string& file) const;

  std::uint64_t calls = 0;
  Tally remote;    // compiled on a worker, by node
  Tally local;     // of a kind that runs here
  Tally fallback;  // should have run remotely
  Tally failed;    // not at all: KILN_FALLBACK=0
  Tally retried;   // attempts that were followed by another

 private:
  std::size_t capacity_;
  std::deque<std::shared_ptr<const CallRecord>> records_;
};

}  // namespace kiln::client
