// Rows of the terminal behind stderr, each time drawn over those before, and gone in the end.
#pragma once

#include <string>
#include <vector>

#include "client/cli/screen_size.h"
#include "client/paths/environment.h"

namespace kiln::client {

class TerminalBlock {
 public:
  explicit TerminalBlock(const Environment& environment);
  ~TerminalBlock() { show({}); }
  TerminalBlock(const TerminalBlock&) = delete;
  TerminalBlock& operator=(const TerminalBlock&) = delete;

  // As it is now, as people make it wider and narrower.
  static ScreenSize size();
  // Nothing where stderr is no terminal that can draw.
  void show(std::vector<std::string> rows);

 private:
  const bool draws_;
  std::vector<std::string> rows_;
};

}  // namespace kiln::client
