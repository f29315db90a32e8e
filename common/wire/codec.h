// Messages to frames and back. Frame 0: protocol version and kind, 16 bits each, big-endian.
// Frame 1: a MessagePack map. Then the raw frames, untouched. The only user of MessagePack.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/model/tree.h"
#include "common/wire/messages.h"

namespace kiln::wire {

// One message as it travels. Frames are byte strings.
using Frames = std::vector<std::string>;

struct Envelope {
  Message message;
  Frames raw;
};

// Frame 0 and 1 of `message`, followed by `raw`.
Frames encode(const Message& message, Frames raw = {});

// Reads a message from any peer, hostile ones included. Errc::version_mismatch when frame 0 names
// another version, Errc::corrupt for anything else that is not a well-formed message.
Result<Envelope> decode(Frames frames);

// The canonical bytes of a listing; their SHA-256 names the directory.
std::string encode_directory(const Directory& directory);

// Errc::corrupt unless the entries are sorted, unique, and single path components.
Result<Directory> decode_directory(std::string_view bytes);

// The kind's name as the docs write it: "WorkerHello".
std::string_view kind_name(const Message& message);

}  // namespace kiln::wire
