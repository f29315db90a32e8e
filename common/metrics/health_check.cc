#include "common/metrics/health_check.h"

#include <cerrno>
#include <memory>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/base/files.h"
#include "common/base/unique_fd.h"

namespace kiln::metrics {
namespace {

struct Free {
  void operator()(addrinfo* found) const { freeaddrinfo(found); }
};

Result<std::unique_ptr<addrinfo, Free>> resolve(const std::string& address) {
  const auto colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (colon == std::string::npos ||
      getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found) != 0) {
    return fail(Errc::invalid_argument, "\"" + address + "\" is not a numeric address with a port");
  }
  return std::unique_ptr<addrinfo, Free>(found);
}

// Linux applies the limit of sending to connecting as well.
Status limit_steps(int fd, Duration limit) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(limit).count();
  const timeval time{micros / 1'000'000, micros % 1'000'000};
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) != 0 ||
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0) {
    return fail_errno("cannot limit the time of a socket", errno);
  }
  return {};
}

Result<std::string> answer_of(const std::string& address, const std::string& path, Duration limit) {
  KILN_TRY_ASSIGN(const auto found, resolve(address));
  const UniqueFd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno("cannot make a socket", errno);
  KILN_TRY(limit_steps(fd.get(), limit));
  if (::connect(fd.get(), found->ai_addr, found->ai_addrlen) != 0) {
    return fail_errno("cannot connect", errno);
  }
  KILN_TRY(write_all(fd.get(), "GET " + path + " HTTP/1.1\r\nHost: kiln\r\n\r\n"));
  return read_all(fd.get());
}

}  // namespace

Status check_health(const std::string& address, const std::string& path, Duration limit) {
  const auto answer = answer_of(address, path, limit);
  if (!answer) {
    return fail(Errc::unavailable, path + " of " + address + ": " + answer.error().message);
  }
  if (answer->starts_with("HTTP/1.1 200 ")) return {};
  const auto head = answer->find("\r\n\r\n");
  std::string said =
      head == std::string::npos ? "this is no HTTP server" : answer->substr(head + 4);
  if (said.ends_with('\n')) said.pop_back();
  return fail(Errc::unavailable, path + " of " + address + ": " + said);
}

}  // namespace kiln::metrics
