// What the agent remembers of finished calls: the counts of `kiln stats`, and of each file where it
// ran last and why.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "client/agent/remote_unit.h"

namespace kiln::client {

struct CallRecord {
  std::string file;  // absolute
  // Nowhere: it failed, since it was not to run here.
  enum class Ran : std::uint8_t { remotely, locally, nowhere } ran = Ran::locally;
  std::string node;
  std::string reason;     // stable word: why not remotely, or "compiled"
  std::string detail;     // for people, may be empty
  std::int64_t when = 0;  // seconds since the Unix epoch
  Duration wall{};
  Duration listing{};
  std::vector<UnitTrace> traces;
};

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

  void add(CallRecord record);
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
  std::deque<CallRecord> records_;
};

}  // namespace kiln::client
