// `kiln keys`: it needs no agent and no farm, only files.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "client/cli/key_words.h"
#include "client/paths/environment.h"
#include "common/auth/allowed_keys.h"
#include "common/base/error.h"

namespace kiln::client {

struct KeysDone {
  std::string text;             // for stdout
  std::vector<Error> problems;  // for stderr; none: all went well
};

// Does it. `width` of tables, in columns.
KeysDone do_keys(const KeyCommand& command, const Environment& environment, std::size_t width,
                 auth::Day today);

}  // namespace kiln::client
