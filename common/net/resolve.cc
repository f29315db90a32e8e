#include "common/net/resolve.h"

#include <array>
#include <memory>

#include <netdb.h>
#include <sys/socket.h>

#include "common/net/endpoint.h"

namespace kiln::net {
namespace {

using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

// nullptr: `code` says why there are none.
Addresses addresses_of(const std::string& host, int flags, int& code) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  return {code == 0 ? found : nullptr, ::freeaddrinfo};
}

}  // namespace

bool is_resolved(const std::string& endpoint) {
  const auto address = parse_endpoint(endpoint, 0);
  int code = 0;
  return address && addresses_of(address->host, AI_NUMERICHOST, code) != nullptr;
}

Result<std::string> resolve(const std::string& endpoint) {
  KILN_TRY_ASSIGN(Endpoint address, parse_endpoint(endpoint, 0));
  int code = 0;
  const Addresses found = addresses_of(address.host, 0, code);
  if (!found) {
    return fail(Errc::unavailable, "the name " + address.host + ": " + ::gai_strerror(code));
  }
  std::array<char, NI_MAXHOST> text{};
  const int named = ::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(),
                                  nullptr, 0, NI_NUMERICHOST);
  if (named != 0) {
    return fail(Errc::unavailable, "the address of " + address.host + ": " + ::gai_strerror(named));
  }
  address.host = text.data();
  return address.text();
}

}  // namespace kiln::net
