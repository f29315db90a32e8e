// The fuzzers' promises on mutated golden messages, for every compiler: bounded and seeded.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/wire/codec.h"
#include "common/wire/stream.h"
#include "tests/fuzz/exercise.h"
#include "tests/unit/common/wire/sample.h"

namespace kiln::wire {
namespace {

constexpr int kRounds = 300;  // for each sample

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string mutate(std::string bytes) {
    for (std::size_t i = 0, changes = 1 + below(4); i < changes && !bytes.empty(); ++i) {
      change(bytes, below(bytes.size()));
    }
    return bytes;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  void change(std::string& bytes, std::size_t at) {
    // Heads of containers and of long strings, which announce sizes.
    static constexpr std::string_view kHeads = "\xdc\xdd\xde\xdf\xd9\xda\xdb\xc4\xc5\xc6\xc7\xc0";
    switch (below(5)) {
      case 0:
        bytes[at] = static_cast<char>(below(256));
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        bytes[at] = kHeads[below(kHeads.size())];
        break;
      case 3:
        bytes.erase(at, 1 + below(8));
        break;
      default:
        bytes.insert(at, bytes.substr(below(bytes.size()), below(16)));
        break;
    }
  }

  std::mt19937 random_;
};

TEST(Mutation, messages) {
  Mutator mutator(1);
  for (const auto& message : samples()) {
    const Frames frames = encode(message);
    for (int i = 0; i < kRounds; ++i) {
      exercise_decode(frames[0] + mutator.mutate(frames[1]));
      exercise_decode(mutator.mutate(frames[0] + frames[1]));
    }
  }
}

TEST(Mutation, streams) {
  Mutator mutator(2);
  const std::string stream = pack_stream({"ab", "", "c"}) + pack_stream(Frames(15, "x"));
  for (int i = 0; i < 20 * kRounds; ++i) exercise_stream(mutator.mutate(stream));
}

TEST(Mutation, listings) {
  Mutator mutator(3);
  const std::string listing = encode_directory(sample_directory());
  for (int i = 0; i < 20 * kRounds; ++i) exercise_directory(mutator.mutate(listing));
}

}  // namespace
}  // namespace kiln::wire
