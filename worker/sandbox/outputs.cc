#include "worker/sandbox/outputs.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker/sandbox/root_path.h"

namespace kiln::worker {
namespace {

UniqueFd open_with(int directory, const std::string& path, int flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return UniqueFd(
      static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

std::string own_link(const UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

// Opens what `place` refers to for reading. A worker that is an ordinary user may lack the
// permission that the task took from itself; it owns the file.
UniqueFd reopen_for_reading(const UniqueFd& place, mode_t mode) {
  const auto link = own_link(place);
  UniqueFd file(::open(link.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.valid() || errno != EACCES) return file;
  if (::chmod(link.c_str(), (mode & 07777U) | S_IRUSR) != 0) return file;
  return UniqueFd(::open(link.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

// Nothing: it is not there, or no regular file.
Result<std::optional<CollectedOutput>> collect(int upper, const WrittenOutput& output) {
  const std::string path = output.path.empty() ? "." : output.path;
  // O_PATH first: nothing is opened, so nothing blocks, before it is known to be a regular file.
  const auto place =
      open_with(upper, path, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  struct stat info {};
  if (!place.valid() && errno == ENOENT) return std::nullopt;  // an input, left as it was
  if (!place.valid() || ::fstat(place.get(), &info) != 0) {
    return fail_errno("cannot open the output " + output.declared, errno);
  }
  if (!S_ISREG(info.st_mode)) return std::nullopt;
  auto file = reopen_for_reading(place, info.st_mode);
  if (!file.valid()) return fail_errno("cannot read the output " + output.declared, errno);
  return CollectedOutput{output.declared, std::move(file), info.st_mode & 07777U,
                         static_cast<std::uint64_t>(info.st_size)};
}

}  // namespace

std::optional<WrittenOutput> find_output(int root, const std::string& declared) {
  const auto place = open_in_root(root, declared, O_PATH | O_NOFOLLOW);
  struct stat info {};
  if (!place.valid() || ::fstat(place.get(), &info) != 0) return std::nullopt;
  auto path = path_below(root, place.get());
  if (!path) return std::nullopt;
  return WrittenOutput{declared, std::move(*path), info.st_mode & S_IFMT,
                       static_cast<std::uint64_t>(info.st_size)};
}

Result<std::vector<CollectedOutput>> collect_outputs(const std::filesystem::path& upper,
                                                     const std::vector<WrittenOutput>& outputs) {
  const UniqueFd directory(::open(upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return fail_errno("cannot open " + upper.string(), errno);
  std::vector<CollectedOutput> collected;
  for (const auto& output : outputs) {
    KILN_TRY_ASSIGN(auto one, collect(directory.get(), output));
    if (one) collected.push_back(std::move(*one));
  }
  return collected;
}

}  // namespace kiln::worker
