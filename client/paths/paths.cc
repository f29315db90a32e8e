#include "client/paths/paths.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/base/unique_fd.h"

namespace kiln::client {
namespace {

constexpr const char* kTemporary = "/tmp";

bool fits_socket_address(std::string_view path) {
  return path.size() < sizeof(sockaddr_un::sun_path);
}

std::string private_name(uid_t user) {
  return "kiln-" + std::to_string(user);
}

// XDG_RUNTIME_DIR as other programs left it: sudo and su keep the one of another user.
bool is_own_directory(const std::string& path, uid_t user) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == user;
}

}  // namespace

Result<std::string> private_directory(const std::string& parent, const std::string& name,
                                      uid_t user) {
  const std::string path = parent + "/" + name;
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail_errno("cannot create the directory " + path, errno);
    }
    fd.reset(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!fd.valid()) return fail_errno("cannot open the directory " + path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("cannot examine " + path, errno);
  if (info.st_uid != user) {
    return fail(Errc::permission_denied, path + " belongs to user " + std::to_string(info.st_uid) +
                                             ", not to user " + std::to_string(user) +
                                             "; remove it, or set KILN_SOCKET to another place");
  }
  if ((info.st_mode & 077) != 0) {
    return fail(Errc::permission_denied, path +
                                             " can be entered by other users; chmod 700 it, or "
                                             "set KILN_SOCKET to another place");
  }
  return path;
}

Result<std::string> socket_path(const Environment& environment, uid_t user) {
  if (const std::string given(value_of(environment, "KILN_SOCKET")); !given.empty()) {
    if (given.front() != '/') {
      return fail(Errc::invalid_argument,
                  "KILN_SOCKET is '" + given + "', which is not an absolute path");
    }
    if (!fits_socket_address(given)) {
      return fail(Errc::invalid_argument,
                  "KILN_SOCKET is '" + given + "', which is longer than the " +
                      std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                      " bytes that a socket's path may have; choose a shorter one");
    }
    return given;
  }
  const std::string runtime(value_of(environment, "XDG_RUNTIME_DIR"));
  if (!runtime.empty() && runtime.front() == '/' && is_own_directory(runtime, user)) {
    auto directory = private_directory(runtime, "kiln", user);
    if (directory && fits_socket_address(*directory + "/agent.sock")) {
      return *directory + "/agent.sock";
    }
  }
  KILN_TRY_ASSIGN(const std::string directory,
                  private_directory(kTemporary, private_name(user), user));
  return directory + "/agent.sock";
}

Result<std::string> cache_directory(const Environment& environment, uid_t user) {
  if (const std::string given(value_of(environment, "KILN_CACHE_DIR")); !given.empty()) {
    if (given.front() == '/') return given;
    return fail(Errc::invalid_argument,
                "KILN_CACHE_DIR is '" + given + "', which is not an absolute path");
  }
  const std::string cache(value_of(environment, "XDG_CACHE_HOME"));
  if (!cache.empty() && cache.front() == '/') return cache + "/kiln";
  const std::string home(value_of(environment, "HOME"));
  // A home of "/" or one that is not there is what services and build containers have.
  if (home.size() > 1 && home.front() == '/' && is_own_directory(home, user)) {
    return home + "/.cache/kiln";
  }
  KILN_TRY_ASSIGN(const std::string directory,
                  private_directory(kTemporary, private_name(user), user));
  return directory + "/cache";
}

std::string start_lock_path(const std::string& socket) {
  return socket + ".lock";
}

}  // namespace kiln::client
