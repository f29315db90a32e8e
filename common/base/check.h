// KILN_CHECK(condition): an invariant that holds in release builds too. A broken one is a bug: it
// prints where and aborts, because going on with a wrong state would do more harm.
#pragma once

namespace kiln {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace kiln

#define KILN_CHECK(condition)                                               \
  do {                                                                      \
    if (!(condition)) ::kiln::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
