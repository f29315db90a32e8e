// Rows of the terminal behind stderr, each time drawn over those before, and gone in the end.
#pragma once

#include <string>
#include <vector>

#include "client/cli/screen_size.h"

namespace kiln::client {

class TerminalBlock {
 public:
  TerminalBlock();
  ~TerminalBlock() { show({}); }
  TerminalBlock(const TerminalBlock&) = delete;
  TerminalBlock& operator=(const TerminalBlock&) = delete;

  // As it is now, as people make it wider and narrower.
  static ScreenSize size();
  // Nothing where stderr is no terminal.
  void show(std::vector<std::string> rows);

 private:
  const bool is_terminal_;
  std::vector<std::string> rows_;
};

}  // namespace kiln::client
