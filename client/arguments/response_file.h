// @file: arguments that are read from a file, as gcc (libiberty) and clang both do it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/inputs/file_system.h"
#include "common/base/result.h"

namespace kiln::client {

// Cuts the text of a response file: white space separates, quotes of both kinds hold together, a
// backslash takes the next character as it is, inside quotes too.
std::vector<std::string> split_response_text(std::string_view text);

struct Expansion {
  std::vector<std::string> argv;   // without any @file
  std::vector<std::string> files;  // those that were read, as given
};

// Replaces every @file of `argv` by its content, nested ones too; names are seen from `cwd`.
// Errc::not_found when one cannot be read, Errc::invalid_argument when they nest without end.
Result<Expansion> expand_response_files(const std::vector<std::string>& argv,
                                        const std::string& cwd, const FileSystem& files);

}  // namespace kiln::client
