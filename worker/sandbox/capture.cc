#include "worker/sandbox/capture.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/files.h"

namespace kiln::worker {

Result<Capture> Capture::open() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe", errno);
  Capture capture;
  capture.reader_.reset(ends[0]);
  capture.writer_.reset(ends[1]);
  // Only the reading end: the command must block when the pipe is full.
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return fail_errno("cannot set up a pipe", errno);
  return capture;
}

void Capture::take(CaptureBudget& budget) {
  for (int round = 0; round < 4 && take_once(budget); ++round) {
  }
}

void Capture::drain(CaptureBudget& budget) {
  while (take_once(budget)) {
  }
}

bool Capture::take_once(CaptureBudget& budget) {
  if (!reader_.valid()) return false;
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(reader_.get(), buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR;
  if (count == 0) {
    reader_.reset();
    return false;
  }
  keep(buffer.data(), static_cast<std::size_t>(count), budget);
  return true;
}

void Capture::keep(const char* data, std::size_t size, CaptureBudget& budget) {
  const auto kept = std::min<std::uint64_t>(size, budget.left);
  if (kept < size) budget.exceeded = true;
  if (kept == 0 || !budget.trouble) return;
  if (!file_.valid()) file_.reset(::memfd_create("output", MFD_CLOEXEC));
  if (!file_.valid()) budget.trouble = fail_errno("cannot make a memory file", errno);
  if (budget.trouble) budget.trouble = write_all(file_.get(), std::string_view(data, kept));
  if (!budget.trouble) return;
  budget.left -= kept;
  bytes_ += kept;
}

}  // namespace kiln::worker
