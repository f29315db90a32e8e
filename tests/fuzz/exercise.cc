#include "tests/fuzz/exercise.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "common/wire/codec.h"
#include "common/wire/stream.h"

namespace kiln::wire {
namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

}  // namespace

// The first four bytes are frame 0, the rest frame 1.
void exercise_decode(std::string_view bytes) {
  Frames frames = {std::string(bytes.substr(0, 4))};
  if (bytes.size() > 4) frames.emplace_back(bytes.substr(4));
  auto envelope = decode(std::move(frames));
  if (!envelope) {
    require(!envelope.error().message.empty(), "a refusal says why");
    return;
  }
  // Compared as bytes: a NaN differs from itself.
  const Frames again = encode(envelope->message);
  auto second = decode(again);
  require(second.has_value(), "what was accepted is accepted again");
  require(encode(second->message) == again, "decoding loses nothing");
}

void exercise_stream(std::string_view bytes) {
  const StreamLimits limits{4096, 16};
  StreamDecoder whole(limits);
  const bool good = whole.feed(bytes).has_value();
  StreamDecoder parts(limits);
  bool parts_good = true;
  for (std::size_t i = 0; i < bytes.size() && parts_good; ++i) {
    parts_good = parts.feed(bytes.substr(i, 1)).has_value();
  }
  require(good == parts_good, "the stream does not depend on how it arrives");
  while (auto frames = whole.next()) {
    require(parts.next() == frames, "messages do not depend on how they arrive");
    require(StreamDecoder(limits).feed(pack_stream(*frames)).has_value(), "frames pack again");
  }
}

void exercise_directory(std::string_view bytes) {
  auto directory = decode_directory(bytes);
  if (directory) require(encode_directory(*directory) == bytes, "a listing has one form");
}

}  // namespace kiln::wire
