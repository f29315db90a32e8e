// Puts what a remote run wrote where a local run would have written it. Blocking; for pool threads.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "client/agent/prepare.h"
#include "common/base/result.h"
#include "common/store/blob_store.h"
#include "common/wire/codec.h"
#include "common/wire/messages.h"

namespace kiln::client {

// Outputs of `result` that did not come with it and have to be fetched.
std::vector<Digest> outputs_to_fetch(const wire::RunResult& result);

// The streams, decoded. Errc::corrupt when they are not what the message says.
struct Streams {
  std::string out;
  std::string err;
};
Result<Streams> read_streams(const wire::RunResult& result, const wire::Frames& raw);

// Writes every output to a temporary file beside it, with the mode that the compiler gave it, and
// renames them all once each is complete and verified. Outputs that are not inline are read from
// `spool`. A failed compile removes what the compiler would have removed. Only declared outputs are
// written, and only where nothing or a plain file is. Errors name the file; then nothing is
// half-written. Errc::cancelled when `wanted` turned false, which another thread may do, before
// anything was renamed: a call that was given up must not write over what came after it.
Status write_outputs(const PreparedUnit& unit, const wire::RunResult& result,
                     const wire::Frames& raw, store::BlobStore& spool,
                     const std::atomic<bool>& wanted);

}  // namespace kiln::client
