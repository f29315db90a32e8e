#include "common/auth/private_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/base/files.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace kiln::auth {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr off_t kMostBytes = off_t{16} << 20;
constexpr seconds kLockPatience{30};
constexpr milliseconds kLockPause{10};

std::string octal(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
  return text.data();
}

Status check_owner(const std::string& path, const struct stat& info) {
  if (info.st_uid == ::geteuid() || info.st_uid == 0) return {};
  const std::string owner = std::to_string(info.st_uid);
  return fail(Errc::permission_denied,
              path + " belongs to user " + owner + ", neither to this user nor to root, and its " +
                  "owner could exchange what is in it: do this as user " + owner + ", or chown it");
}

Status check_file(const std::string& path, const struct stat& info, Others others) {
  if (!S_ISREG(info.st_mode)) return fail(Errc::invalid_argument, path + " is no regular file");
  KILN_TRY(check_owner(path, info));
  const mode_t refused = others == Others::read ? 0022 : 0066;
  if ((info.st_mode & refused) != 0) {
    return fail(Errc::permission_denied,
                std::string("others than its owner may ") +
                    (others == Others::read ? "write " : "read or write ") + path +
                    " (its mode is " + octal(info.st_mode) + "): chmod 600 " + path);
  }
  if (info.st_size > kMostBytes) return fail(Errc::invalid_argument, path + " is too large");
  return {};
}

Result<std::string> read_checked(int fd, const std::string& path, Others others) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail_errno("cannot examine " + path, errno);
  KILN_TRY(check_file(path, info, others));
  auto content = read_all(fd);
  if (!content) return fail(content.error().within("cannot read " + path));
  return content;
}

// Not blocking, for there may be a pipe of that name.
UniqueFd open_file(const std::string& path, int how) {
  return UniqueFd(::open(path.c_str(), how | O_NONBLOCK | O_CLOEXEC));
}

// Of the entry's name: without it a power cut brings back what was replaced, a revoked key too.
void sync_directory(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const UniqueFd fd(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) ::fsync(fd.get());
}

// A file beside the one that it shall become, gone with its owner.
class Draft {
 public:
  explicit Draft(const std::string& path) : path_(path), name_(path + ".XXXXXX") {}
  ~Draft() {
    if (fd_.valid()) ::unlink(name_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  // With `group` unless that is -1.
  Status write(std::string_view content, mode_t mode, gid_t group) {
    fd_.reset(::mkostemp(name_.data(), O_CLOEXEC));
    if (!fd_.valid()) return fail_errno("cannot make a file beside " + path_, errno);
    KILN_TRY(write_all(fd_.get(), content));
    if (group != static_cast<gid_t>(-1) && ::fchown(fd_.get(), static_cast<uid_t>(-1), group) != 0)
      return fail_errno("cannot keep the group of " + path_, errno);
    if (::fchmod(fd_.get(), mode) != 0) return fail_errno("cannot set the mode of " + path_, errno);
    if (::fsync(fd_.get()) != 0) return fail_errno("cannot write " + path_, errno);
    return {};
  }

  // Fails where there is one already, which rename() would not.
  Status become_new() {
    if (::link(name_.c_str(), path_.c_str()) == 0) return {};
    if (errno != EEXIST) return fail_errno("cannot make " + path_, errno);
    return fail(Errc::already_exists, path_ + " is there already, and no key is written over " +
                                          "another: remove it first, or choose another file");
  }

  Status replace() {
    if (::rename(name_.c_str(), path_.c_str()) != 0)
      return fail_errno("cannot replace " + path_, errno);
    fd_.reset();
    return {};
  }

 private:
  const std::string path_;
  std::string name_;
  UniqueFd fd_;
};

// Some network file systems lock only what may be written.
UniqueFd open_to_lock(const std::string& path) {
  UniqueFd fd = open_file(path, O_RDWR);
  return fd.valid() || errno != EACCES ? std::move(fd) : open_file(path, O_RDONLY);
}

bool is_still(const std::string& path, int fd) {
  struct stat held {};
  struct stat named {};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

// The lock is on the file itself; who waited for it may hold one that has been replaced meanwhile.
Result<UniqueFd> lock(const std::string& path) {
  const auto deadline = Clock::now() + kLockPatience;
  while (true) {
    UniqueFd fd = open_to_lock(path);
    if (!fd.valid()) return fail_errno("cannot open " + path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      if (is_still(path, fd.get())) return fd;
      continue;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("cannot lock " + path, errno);
    if (Clock::now() >= deadline)
      return fail(Errc::timed_out, path + " is being changed by another process for 30 s now");
    std::this_thread::sleep_for(kLockPause);
  }
}

}  // namespace

Result<std::string> read_private_file(const std::string& path, Others others) {
  const UniqueFd fd = open_file(path, O_RDONLY);
  if (!fd.valid()) return fail_errno("cannot open " + path, errno);
  return read_checked(fd.get(), path, others);
}

Status create_private_file(const std::string& path, std::string_view content) {
  Draft draft(path);
  KILN_TRY(draft.write(content, kOwnerOnly, static_cast<gid_t>(-1)));
  KILN_TRY(draft.become_new());
  sync_directory(path);
  return {};
}

Status change_private_file(const std::string& path, Others others,
                           const std::function<Result<std::string>(const std::string&)>& change) {
  // A link stays a link.
  std::error_code code;
  const std::string real = std::filesystem::canonical(path, code);
  if (code) return fail_errno("cannot open " + path, code.value());
  KILN_TRY_ASSIGN(const UniqueFd fd, lock(real));
  KILN_TRY_ASSIGN(const auto before, read_checked(fd.get(), path, others));
  KILN_TRY_ASSIGN(const auto after, change(before));
  if (after == before) return {};
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("cannot examine " + path, errno);
  Draft draft(real);
  KILN_TRY(draft.write(after, info.st_mode & 07777, info.st_gid));
  KILN_TRY(draft.replace());
  sync_directory(real);
  return {};
}

Status make_private_directory(const std::string& path) {
  std::filesystem::path whole(path);
  if (!whole.has_filename()) whole = whole.parent_path();  // "keys/"
  std::filesystem::path made;
  for (const auto& part : whole) {
    made /= part;
    const mode_t mode = made == whole ? 0700 : 0755;
    if (::mkdir(made.c_str(), mode) != 0 && errno != EEXIST)
      return fail_errno("cannot make the directory " + made.string(), errno);
  }
  return {};
}

Status check_private_directory(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("cannot look into " + path, errno);
  if (!S_ISDIR(info.st_mode)) return fail(Errc::invalid_argument, path + " is no directory");
  KILN_TRY(check_owner(path, info));
  if ((info.st_mode & 0022) == 0) return {};
  return fail(Errc::permission_denied, "others than its owner may write in " + path +
                                           " (its mode is " + octal(info.st_mode) +
                                           "): chmod 700 " + path);
}

}  // namespace kiln::auth
