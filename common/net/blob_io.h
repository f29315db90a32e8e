// What bulk transfers read from and write to. The blob store implements both ends; an agent
// implements the source over the user's files.
//
// Bytes cross this border encoded as they travel: a reader says which encoding it yields, a writer
// is told which one it gets and decodes. All calls are made on threads of a ThreadPool: open and
// begin from several at once, a reader's or writer's own calls one at a time, each within a bounded
// number of bytes so that no step holds a thread for long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/wire/messages.h"

namespace kiln::net {

class BlobReader {
 public:
  virtual ~BlobReader() = default;
  // Decoded bytes of the whole blob.
  virtual std::uint64_t size() const = 0;
  // Of what read() yields.
  virtual wire::Encoding encoding() const = 0;
  // The next encoded bytes, at most `max_bytes`; empty at the end only.
  virtual Result<std::string> read(std::size_t max_bytes) = 0;
};

class BlobSource {
 public:
  virtual ~BlobSource() = default;
  // Errc::not_found when there is no such blob.
  virtual Result<std::unique_ptr<BlobReader>> open(const Digest& digest) = 0;
};

// Destroyed before finish() succeeded: nothing is kept.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  // The next encoded bytes, in order.
  virtual Status write(std::string_view encoded) = 0;
  // After the last byte. Errc::corrupt unless size and digest are as announced; then nothing is
  // kept.
  virtual Status finish() = 0;
};

class BlobSink {
 public:
  virtual ~BlobSink() = default;
  // A writer for a blob of `size` decoded bytes that will arrive in `encoding`; null when the sink
  // has the blob already and needs nothing. Errc::resource_exhausted when it cannot take it.
  virtual Result<std::unique_ptr<BlobWriter>> begin(const Digest& digest, std::uint64_t size,
                                                    wire::Encoding encoding) = 0;
};

}  // namespace kiln::net
