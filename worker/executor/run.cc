#include "worker/executor/run.h"

#include <cerrno>

#include <unistd.h>

#include "worker/sandbox/removal.h"

namespace kiln::worker {

Result<std::string> CapturedStream::read() const {
  if (bytes == 0) return std::string();
  if (!file.valid()) return fail(Errc::internal, "a task's captured output was lost on its way");
  std::string content(bytes, '\0');
  std::size_t at = 0;
  while (at < content.size()) {
    const auto count =
        ::pread(file.get(), content.data() + at, content.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("cannot read a task's captured output", errno);
    if (count == 0) return fail(Errc::internal, "a task's captured output is shorter than counted");
    at += static_cast<std::size_t>(count);
  }
  return content;
}

Status release(const std::filesystem::path& workspace) {
  return workspace.empty() ? Status() : remove_tree(workspace);
}

}  // namespace kiln::worker
