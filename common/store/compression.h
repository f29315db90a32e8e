// zstd: whole strings, and streams for blobs that travel in chunks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln::store {

// Fast enough not to hold a gigabit link back on one core.
inline constexpr int kDefaultLevel = 1;

std::string compress(std::string_view content, int level = kDefaultLevel);

// Errc::corrupt unless `content` is one frame of exactly `expected_size` decoded bytes. Memory
// stays within that size, whatever a hostile frame says.
Result<std::string> decompress(std::string_view content, std::uint64_t expected_size);

// Whether zstd shrinks content that begins with `sample` by at least an eighth. 64 KiB tell enough.
bool shrinks(std::string_view sample);

// The same for many strings, one after the other: what zstd works in is made once, which for small
// ones is most of the time. Used by one thread at a time.
class Zstd {
 public:
  std::string compress(std::string_view content, int level = kDefaultLevel);
  Result<std::string> decompress(std::string_view content, std::uint64_t expected_size);

 private:
  struct FreeEncoder {
    void operator()(void* context) const;
  };
  struct FreeDecoder {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, FreeEncoder> encoder_;  // made by the first use
  std::unique_ptr<void, FreeDecoder> decoder_;  // likewise
};

// Takes output as it is made, at most 128 KiB at once; an error ends the stream.
using Consume = std::function<Status(std::string_view)>;

// Encodes a stream. After an error only destruction makes sense.
class Compressor {
 public:
  explicit Compressor(int level = kDefaultLevel);
  Status add(std::string_view part, const Consume& consume);
  Status finish(const Consume& consume);

 private:
  struct Deleter {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Deleter> context_;
};

// Decodes a stream of exactly `expected_size` decoded bytes: Errc::corrupt for more, fewer, or
// bytes that are not zstd. The window is bounded to 8 MiB.
class Decompressor {
 public:
  explicit Decompressor(std::uint64_t expected_size);
  Status add(std::string_view part, const Consume& consume);
  Status finish() const;

 private:
  struct Deleter {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Deleter> context_;
  std::uint64_t expected_size_;
  std::uint64_t produced_ = 0;
  bool frame_complete_ = false;
};

}  // namespace kiln::store
