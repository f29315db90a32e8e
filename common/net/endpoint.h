// Addresses as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/model/key.h"

namespace kiln::net {

struct Endpoint {
  std::string host;  // a name, an IPv4 or (without brackets) an IPv6 address, or "*"
  std::uint16_t port = 0;
  std::optional<PublicKey> key = {};  // of who is there; nothing: not known, or it has none

  // tcp://host:port, with brackets around an IPv6 address, and #key at the end where there is one.
  std::string text() const;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Reads `tcp://host:port`, `host:port`, `host`, `[v6]:port` and `[v6]`; `default_port` where none
// is given; behind each of them `#` and the 64 hexadecimal digits of a public key may stand. Port 0
// lets the system choose. Errc::invalid_argument says what is wrong with the text.
Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port);

// Whether only this machine can reach it: 127.0.0.0/8, ::1 or "localhost".
bool is_loopback(const Endpoint& endpoint);

// host:port for who takes no names, as the HTTP server: "localhost" and "*" become IPv4 addresses.
std::string numeric_address(const Endpoint& endpoint);

}  // namespace kiln::net
