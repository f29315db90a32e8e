// Where a compiler looks for headers, as it says itself under -v.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace kiln::client {

struct SearchPath {
  std::vector<std::string> quote;   // only for #include "…", after the including file's directory
  std::vector<std::string> angled;  // for both forms, in order
  std::string gcc_installation;     // clang: the gcc whose libraries it chose; else empty
};

// Reads stderr of a -v run under LC_ALL=C. Errc::corrupt when the lists are not there.
Result<SearchPath> parse_search_path(std::string_view text);

}  // namespace kiln::client
