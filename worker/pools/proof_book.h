// What is known of the programs that forkservers hold, shared by all executors of a node: pure.
//
// Whether a program can be held is proven by running it, which costs far more than to hold it. The
// first executor of a program proves it, those that come meanwhile wait for its word, and all later
// ones rely on it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/digest.h"
#include "worker/pools/pool_actions.h"

namespace kiln::worker {

class ProofBook {
 public:
  using Program = std::pair<Digest, std::string>;  // a toolchain, and an absolute path in it
  enum class Proof : std::uint8_t {
    none,
    held,   // it does what an executed one does
    unfit,  // it cannot be held by anybody
    open,   // one executor could not hold it, which says nothing of others
  };
  struct Verdict {
    Proof proof = Proof::none;
    std::string problem;  // of unfit
  };

  Verdict verdict(const Program& program) const;
  // The executor of `place` is to be made and will prove those without a verdict. False: it has to
  // wait, since another one proves one of them.
  bool begin(PlaceId place, const std::vector<Program>& programs);
  // It is ready, and this is what it found; or it is gone, and its programs are the next one's to
  // prove.
  void found(const Program& program, Verdict verdict);
  void ended(PlaceId place);
  // To be tried again, if it was not held.
  void forgive(const Program& program);

 private:
  std::map<Program, Verdict> verdicts_;
  std::map<Program, PlaceId> provers_;
};

}  // namespace kiln::worker
