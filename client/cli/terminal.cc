#include "client/cli/terminal.h"

#include <algorithm>

#include <sys/ioctl.h>
#include <unistd.h>

namespace kiln::client {
namespace {

constexpr std::size_t kLeastWidth = 40;

}  // namespace

std::optional<ScreenSize> size_of_terminal(int fd) {
  struct winsize size {};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return std::nullopt;
  return ScreenSize{size.ws_col, size.ws_row};
}

bool is_dumb(const Environment& environment) {
  return value_of(environment, "TERM") == "dumb";
}

RenderOptions render_options(const Environment& environment) {
  RenderOptions options;
  if (::isatty(STDOUT_FILENO) != 1) return options;
  options.colour = value_of(environment, "NO_COLOR").empty() && !is_dumb(environment);
  if (const auto size = size_of_terminal(STDOUT_FILENO))
    options.width = std::max(size->columns, kLeastWidth);
  return options;
}

}  // namespace kiln::client
