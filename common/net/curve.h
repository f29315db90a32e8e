// What sockets with keys (ZeroMQ's CURVE, rfc.zeromq.org/spec/26) call each other, and why one
// keeps another out. Context has the program's own keys, SocketOptions what is each socket's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/model/key.h"

namespace kiln::net {

// Why a connection did not come about, though the peer was reached.
enum class Rejection {
  not_allowed,      // the peer does not let this key in
  other_mechanism,  // one side has keys and the other has none
  no_handshake,     // the peer has another key than expected, or ended before it was shaken hands
};

// 64 lower-case hexadecimal digits: the name of a connection's owner inside ZeroMQ.
std::string user_id(const PublicKey& key);
// Reads what user_id wrote; nothing for anything else.
std::optional<PublicKey> key_of_user(std::string_view id);

}  // namespace kiln::net
