#include "client/cli/terminal_block.h"

#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

#include "client/launcher/local_run.h"

namespace kiln::client {

TerminalBlock::TerminalBlock() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

ScreenSize TerminalBlock::size() {
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

void TerminalBlock::show(std::vector<std::string> rows) {
  if (!is_terminal_ || rows == rows_) return;
  write_fully(STDERR_FILENO, redraw(rows_, rows, size().columns));
  rows_ = std::move(rows);
}

}  // namespace kiln::client
