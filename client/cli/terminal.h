// What the terminal is that stdout or stderr leads to.
#pragma once

#include <optional>

#include "client/cli/render.h"
#include "client/cli/screen_size.h"
#include "client/paths/environment.h"

namespace kiln::client {

// As it is now, as people make it wider and narrower; nothing where `fd` is no terminal or its size
// is not known.
std::optional<ScreenSize> size_of_terminal(int fd);

// Whether it only takes lines, one below the other.
bool is_dumb(const Environment& environment);

// For what is written to stdout: colour on a terminal, where NO_COLOR and TERM allow it.
RenderOptions render_options(const Environment& environment);

}  // namespace kiln::client
