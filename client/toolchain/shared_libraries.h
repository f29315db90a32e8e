// Which shared libraries an executable loads, asked of the loader that will load them.
#pragma once

#include <string>
#include <vector>

#include "client/arguments/classify.h"
#include "common/base/result.h"

namespace kiln::client {

struct LibraryList {
  std::vector<std::string> paths;  // absolute, as the loader opens them
  // Some library is found only through /etc/ld.so.cache: not in a default directory, nor by rpath.
  bool needs_loader_cache = false;
};

// The libraries of `binary`, a dynamic executable or shared library, by `LOADER --list`, which maps
// the files but runs none of their code. Errc::not_found names a library that is missing.
Result<LibraryList> shared_libraries(const std::string& binary, const std::string& loader,
                                     const Environment& environment);

}  // namespace kiln::client
