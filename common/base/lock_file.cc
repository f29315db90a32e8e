#include "common/base/lock_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>

namespace kiln {

Result<UniqueFd> lock_file(const std::filesystem::path& path, mode_t mode) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, mode));
  if (!fd.valid()) return fail_errno("cannot open " + path.string(), errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return fail_errno("cannot lock " + path.string(), errno);
  return fail(Errc::already_exists, "another process has " + path.string());
}

}  // namespace kiln
