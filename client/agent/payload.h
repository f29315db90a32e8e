// The bytes that a worker may need for one unit: listings from memory, inputs from files. Blocking;
// for pool threads.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "client/agent/prepare.h"
#include "common/wire/codec.h"
#include "common/wire/messages.h"

namespace kiln::client {

// Small blobs to go with a message, as raw frames in the order of `blobs`.
struct Parcel {
  std::vector<wire::InlineBlob> blobs;
  wire::Frames raw;
};

// What to do about a list of digests.
struct Delivery {
  Parcel parcel;                   // these travel in the message itself
  std::vector<InputFile> uploads;  // too large for it: by the bulk socket
  std::vector<Digest> missing;     // not ours, or changed since they were listed
  std::vector<Digest> rest;        // more than one message carries: to be asked for next
};

// Blobs up to this size travel inside messages.
inline constexpr std::uint64_t kInlineFileBytes = 128 << 10;

std::uint64_t bytes_of(const wire::Frames& frames);

// What goes with RUN: every listing and small input for which `known` is false, within a budget.
// With `with_toolchain`, the toolchain's listings too. What does not fit is asked for with NEED.
Parcel parcel_for_run(const PreparedUnit& unit, const std::function<bool(const Digest&)>& known,
                      bool with_toolchain);

// The answer to NEED, as far as one message carries it.
Delivery deliver(const PreparedUnit& unit, const std::vector<Digest>& wanted);

}  // namespace kiln::client
