// Result<T>: a value or an Error. Every function that can fail returns one.
#pragma once

#include <utility>

#include <tl/expected.hpp>

#include "common/base/error.h"

namespace kiln {

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// Fails with what errno `number` says, see system_error.
inline tl::unexpected<Error> fail_errno(std::string_view what, int number) {
  return tl::unexpected<Error>(system_error(what, number));
}

}  // namespace kiln

#define KILN_JOIN_INNER(a, b) a##b
#define KILN_JOIN(a, b) KILN_JOIN_INNER(a, b)

// KILN_TRY(expression): returns the error of a Status or Result, else goes on.
#define KILN_TRY(...)                                                         \
  do {                                                                        \
    if (auto kiln_status = (__VA_ARGS__); !kiln_status)                       \
      return ::tl::unexpected<::kiln::Error>(std::move(kiln_status).error()); \
  } while (false)

// KILN_TRY_ASSIGN(auto value, expression): declares `value` from a Result, or returns its error.
#define KILN_TRY_ASSIGN(declaration, ...) \
  KILN_TRY_ASSIGN_INNER(KILN_JOIN(kiln_result_, __LINE__), declaration, __VA_ARGS__)
#define KILN_TRY_ASSIGN_INNER(result, declaration, ...)                           \
  auto result = (__VA_ARGS__);                                                    \
  if (!result) return ::tl::unexpected<::kiln::Error>(std::move(result).error()); \
  declaration = std::move(*result)
