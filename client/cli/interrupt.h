// Ctrl-C as something to wait for, so that the terminal's line can be ended and it can be said what
// goes on.
#pragma once

#include "client/cli/signals.h"
#include "common/base/time.h"

namespace kiln::client {

class Interrupt {
 public:
  // Whether it has come, or comes within `time`. It is taken, so that it does not kill afterwards.
  bool comes_within(milliseconds time) const;
  // Readable once it has come.
  int fd() const { return signals_.fd(); }

 private:
  Signals signals_{SIGINT};
};

}  // namespace kiln::client
