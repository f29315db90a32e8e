#include "worker/sandbox/capture.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/files.h"

namespace kiln::worker {

Result<Capture> Capture::open(std::size_t tail_bytes) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe", errno);
  Capture capture;
  if (tail_bytes > 0) capture.tail_.emplace(tail_bytes);
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

void Capture::finish(CaptureBudget& budget) {
  while (take_once(budget)) {
  }
  if (tail_) store(tail_->text(), budget);
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
  keep({buffer.data(), static_cast<std::size_t>(count)}, budget);
  return true;
}

void Capture::keep(std::string_view text, CaptureBudget& budget) {
  if (tail_) return tail_->add(text);
  const auto kept = std::min<std::uint64_t>(text.size(), budget.left);
  if (kept < text.size()) budget.exceeded = true;
  store(text.substr(0, kept), budget);
  if (budget.trouble) budget.left -= kept;
}

void Capture::store(std::string_view text, CaptureBudget& budget) {
  if (text.empty() || !budget.trouble) return;
  if (!file_.valid()) file_.reset(::memfd_create("output", MFD_CLOEXEC));
  if (!file_.valid()) budget.trouble = fail_errno("cannot make a memory file", errno);
  if (budget.trouble) budget.trouble = write_all(file_.get(), text);
  if (budget.trouble) bytes_ += text.size();
}

}  // namespace kiln::worker
