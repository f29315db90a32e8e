// Which attempts wait for which blobs, and who was asked for each: pure.
//
// A blob is asked for once, however many attempts wait for it: ten tasks that start together on a
// fresh node must not upload one toolchain ten times. When whoever was asked goes away, another
// attempt that waits is asked in its place.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "common/base/digest.h"
#include "common/model/task.h"

namespace kiln::worker {

class NeedBoard {
 public:
  using Asks = std::vector<std::pair<AttemptId, std::vector<Digest>>>;

  // `attempt` waits for all of `digests`. Returns those that nobody was asked for yet: ask for them
  // on behalf of this attempt. REQUIRES: the attempt does not wait already; digests not empty.
  std::vector<Digest> wait(const AttemptId& attempt, const std::vector<Digest>& digests);

  // The blob is in the store. Returns the attempts that now wait for nothing more.
  std::vector<AttemptId> arrived(const Digest& digest);

  // The attempt waits no longer. Returns whom to ask now for what it had been asked.
  Asks drop(const AttemptId& attempt);

  // Whoever was asked on behalf of the attempt may not answer; the attempt goes on waiting. Returns
  // whom to ask as well for what others wait for too.
  Asks yield(const AttemptId& attempt);

  // What was asked on behalf of the attempt and has not come.
  std::vector<Digest> asked_of(const AttemptId& attempt) const;
  std::vector<AttemptId> waiters(const Digest& digest) const;
  bool waiting(const AttemptId& attempt) const { return attempts_.contains(attempt); }
  bool waits_for(const AttemptId& attempt, const Digest& digest) const;
  std::size_t open() const { return blobs_.size(); }

 private:
  struct Blob {
    AttemptId asked;
    std::set<AttemptId> waiters;
  };
  // Asks in place of `attempt` one that waits for the blob too, if there is one.
  static void pass_on(Blob& blob, const AttemptId& attempt, const Digest& digest,
                      std::map<AttemptId, std::vector<Digest>>& asks);

  std::map<Digest, Blob> blobs_;
  std::map<AttemptId, std::set<Digest>> attempts_;
};

}  // namespace kiln::worker
