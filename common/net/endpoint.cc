#include "common/net/endpoint.h"

#include <charconv>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/net/curve.h"

namespace kiln::net {
namespace {

constexpr std::string_view kScheme = "tcp://";

tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(Errc::invalid_argument, "address \"" + std::string(text) + "\": " + std::string(why) +
                                          "; write tcp://host:port, host:port, host or [v6]:port");
}

struct Parts {
  std::string_view host;
  std::string_view port;  // empty: none given
  bool bracketed = false;
};

Result<Parts> split_bracketed(std::string_view text, std::string_view rest) {
  const std::size_t close = rest.find(']');
  if (close == rest.npos) return refuse(text, "the closing ] is missing");
  Parts parts{rest.substr(1, close - 1), {}, true};
  rest.remove_prefix(close + 1);
  if (rest.empty()) return parts;
  if (rest.front() != ':' || rest.size() == 1) return refuse(text, "after ] must come :port");
  parts.port = rest.substr(1);
  return parts;
}

Result<Parts> split(std::string_view text) {
  std::string_view rest = text;
  if (rest.substr(0, kScheme.size()) == kScheme) rest.remove_prefix(kScheme.size());
  if (rest.find("://") != rest.npos) return refuse(text, "only tcp:// can be used");
  if (rest.empty()) return refuse(text, "the host is missing");
  if (rest.front() == '[') return split_bracketed(text, rest);
  const std::size_t colon = rest.find(':');
  if (colon == rest.npos) return Parts{rest, {}, false};
  if (rest.find(':', colon + 1) != rest.npos) {
    return refuse(text, "an IPv6 address needs brackets");
  }
  if (colon == 0) return refuse(text, "the host is missing");
  if (colon + 1 == rest.size()) return refuse(text, "the port is missing after the colon");
  return Parts{rest.substr(0, colon), rest.substr(colon + 1), false};
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_host_name(std::string_view host) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return host == "*" || host.find_first_not_of(kAllowed) == host.npos;
}

}  // namespace

std::string Endpoint::text() const {
  const bool brackets = host.find(':') != std::string::npos;
  return std::string(kScheme) + (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port) +
         (key ? "#" + user_id(*key) : "");
}

Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) {
  const std::size_t hash = text.find('#');
  if (hash != text.npos) {
    KILN_TRY_ASSIGN(auto endpoint, parse_endpoint(text.substr(0, hash), default_port));
    endpoint.key = key_of_user(text.substr(hash + 1));
    if (!endpoint.key) return refuse(text, "after # must come the 64 digits of a public key");
    return endpoint;
  }
  KILN_TRY_ASSIGN(const Parts parts, split(text));
  Endpoint endpoint{std::string(parts.host), default_port};
  if (parts.bracketed ? !is_ipv6(endpoint.host) : !is_host_name(parts.host)) {
    return refuse(text, parts.bracketed ? "between [ and ] must stand an IPv6 address"
                                        : "the host has characters that no host name has");
  }
  if (parts.port.empty()) return endpoint;
  const char* end = parts.port.data() + parts.port.size();
  const auto [stop, error] = std::from_chars(parts.port.data(), end, endpoint.port);
  if (error != std::errc() || stop != end) {
    return refuse(text, "the port must be a number from 0 to 65535");
  }
  return endpoint;
}

bool is_loopback(const Endpoint& endpoint) {
  if (endpoint.host == "localhost") return true;
  in_addr v4{};
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24) == 127;
  }
  in6_addr v6{};
  return ::inet_pton(AF_INET6, endpoint.host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string numeric_address(const Endpoint& endpoint) {
  std::string host = endpoint.host;
  if (host == "localhost") host = "127.0.0.1";
  if (host == "*") host = "0.0.0.0";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return host + ":" + std::to_string(endpoint.port);
}

}  // namespace kiln::net
