#include "client/cli/terminal_block.h"

#include <utility>

#include <unistd.h>

#include "client/cli/terminal.h"
#include "client/cli/warm_progress.h"
#include "client/launcher/local_run.h"

namespace kiln::client {

TerminalBlock::TerminalBlock(const Environment& environment)
    : draws_(::isatty(STDERR_FILENO) == 1 && !is_dumb(environment)) {}

ScreenSize TerminalBlock::size() {
  return size_of_terminal(STDERR_FILENO).value_or(ScreenSize{});
}

void TerminalBlock::show(std::vector<std::string> rows) {
  if (!draws_ || rows == rows_) return;
  write_fully(STDERR_FILENO, redraw(rows_, rows, size().columns));
  rows_ = std::move(rows);
}

}  // namespace kiln::client
