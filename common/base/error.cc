#include "common/base/error.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>

namespace kiln {
namespace {

constexpr std::array<std::string_view, 13> kNames = {
    "invalid_argument", "not_found",        "already_exists", "permission_denied",
    "unavailable",      "timed_out",        "cancelled",      "resource_exhausted",
    "corrupt",          "version_mismatch", "unsupported",    "io",
    "internal"};

Errc code_of_errno(int number) {
  switch (number) {
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
      return Errc::invalid_argument;
    case ENOENT:
    case ESRCH:
      return Errc::not_found;
    case EEXIST:
    case EADDRINUSE:
      return Errc::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::permission_denied;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return Errc::unavailable;
    case ETIMEDOUT:
      return Errc::timed_out;
    case ENOSPC:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EDQUOT:
    case EAGAIN:
      return Errc::resource_exhausted;
    case ENOSYS:
    case EOPNOTSUPP:
      return Errc::unsupported;
    default:
      return Errc::io;
  }
}

}  // namespace

std::string_view name(Errc code) {
  return kNames.at(static_cast<std::size_t>(code));
}

Errc errc_of(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames.at(i) == name) return static_cast<Errc>(i);
  }
  return Errc::internal;
}

Error Error::within(std::string_view context) const {
  return Error{code, std::string(context) + ": " + message};
}

Error system_error(std::string_view what, int number) {
  return Error{code_of_errno(number),
               std::string(what) + ": " + std::generic_category().message(number)};
}

}  // namespace kiln
