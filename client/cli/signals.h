// Signals as something to wait for. Those that were ignored still are.
#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>

#include "common/base/unique_fd.h"

namespace kiln::client {

class Signals {
 public:
  explicit Signals(std::initializer_list<int> which);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Readable once one has come.
  int fd() const { return fd_.get(); }
  // The number of one that has come, if any. It is taken, so that it does not kill afterwards.
  std::optional<int> take() const;

 private:
  sigset_t before_{};
  UniqueFd fd_;
};

}  // namespace kiln::client
