// Ctrl-C as something to wait for, so that the terminal's line can be ended and it can be said what
// goes on. Where it was ignored, it still is.
#pragma once

#include <csignal>

#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace kiln::client {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Whether it has come, or comes within `time`. It is taken, so that it does not kill afterwards.
  bool comes_within(milliseconds time) const;
  // Readable once it has come.
  int fd() const { return fd_.get(); }

 private:
  sigset_t before_{};
  UniqueFd fd_;
};

}  // namespace kiln::client
