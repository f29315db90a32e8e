// Takes what a task writes to stdout and stderr into memory files: all of it up to a limit, or its
// end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "worker/sandbox/tail.h"

namespace kiln::worker {

// The bytes that stdout and stderr together may still keep.
struct CaptureBudget {
  std::uint64_t left = 0;
  bool exceeded = false;
  Status trouble;  // why something within the budget could not be kept: the node has no memory
};

class Capture {
 public:
  // Makes the pipe. With `tail_bytes` so many of the last bytes are kept, whatever the budget, and
  // nothing is too much.
  static Result<Capture> open(std::size_t tail_bytes = 0);

  // For the command; closed by start() once the command has it.
  int write_end() const { return writer_.get(); }
  void start() { writer_.reset(); }

  // Poll this while it is valid; -1 after the end of file.
  int fd() const { return reader_.get(); }
  // Takes what is there, without blocking, at most a few hundred KiB. What goes beyond the budget
  // is dropped and marks it as exceeded.
  void take(CaptureBudget& budget);
  // Takes until the end of file or until nothing is there; nothing is taken after that.
  void finish(CaptureBudget& budget);

  std::uint64_t bytes() const { return bytes_; }
  // The kept bytes, after finish(); invalid when there are none.
  UniqueFd release_file() { return std::move(file_); }

 private:
  bool take_once(CaptureBudget& budget);
  void keep(std::string_view text, CaptureBudget& budget);
  void store(std::string_view text, CaptureBudget& budget);

  UniqueFd reader_;
  UniqueFd writer_;
  UniqueFd file_;
  std::optional<Tail> tail_;
  std::uint64_t bytes_ = 0;
};

}  // namespace kiln::worker
