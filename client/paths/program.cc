#include "client/paths/program.h"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include <sys/stat.h>
#include <unistd.h>

namespace kiln::client {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

std::string_view last_component(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string absolute(std::string_view path, std::string_view cwd) {
  if (path.starts_with('/')) return std::string(path);
  return std::string(cwd) + (cwd.ends_with('/') ? "" : "/") + std::string(path);
}

bool is_executable(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

bool is_same_file(const std::string& one, const std::string& other) {
  struct stat first {};
  struct stat second {};
  return ::stat(one.c_str(), &first) == 0 && ::stat(other.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

bool is_link_to_kiln(const std::string& path, const std::string& self) {
  if (is_same_file(path, self)) return true;
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return false;
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real != nullptr && last_component(real.get()) == "kiln";
}

Result<FoundProgram> search(std::string_view name, std::string_view cwd, std::string_view path,
                            const std::string& self, bool passed_links) {
  std::string_view rest = path;
  while (true) {
    const std::size_t colon = rest.find(':');
    std::string directory = absolute(rest.substr(0, colon), cwd);
    while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
    const std::string candidate = (directory == "/" ? "" : directory) + "/" + std::string(name);
    if (is_executable(candidate)) {
      if (!is_link_to_kiln(candidate, self)) return FoundProgram{candidate, passed_links};
      passed_links = true;
    }
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  const std::string but = passed_links ? " but as Kiln's own link" : "";
  return fail(Errc::not_found, "no program named '" + std::string(name) + "' is on PATH" + but);
}

bool is_version(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

Result<FoundProgram> find_program(std::string_view name, std::string_view cwd,
                                  const Environment& environment, const std::string& self) {
  const std::string_view path = find_value(environment, "PATH").value_or(kDefaultPath);
  if (name.empty()) return fail(Errc::not_found, "the program's name is empty");
  if (name.find('/') == std::string_view::npos) return search(name, cwd, path, self, false);
  const std::string given = absolute(name, cwd);
  if (!is_executable(given)) {
    return fail(Errc::not_found, "'" + std::string(name) + "' is no program that can be run");
  }
  if (!is_link_to_kiln(given, self)) return FoundProgram{given, false};
  return search(last_component(name), cwd, path, self, true);
}

Result<std::string> own_executable() {
  std::array<char, PATH_MAX> buffer;
  const ssize_t size = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  if (size < 0) return fail_errno("cannot read /proc/self/exe", errno);
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

bool is_compiler_name(std::string_view name) {
  name = last_component(name);
  if (const std::size_t dash = name.rfind('-');
      dash != std::string_view::npos && is_version(name.substr(dash + 1))) {
    name = name.substr(0, dash);
  }
  // A target before the name: x86_64-linux-gnu-gcc, arm-none-eabi-g++.
  if (const std::size_t dash = name.rfind('-'); dash != std::string_view::npos) {
    name.remove_prefix(dash + 1);
  }
  for (const std::string_view compiler : {"gcc", "g++", "cc", "c++", "clang", "clang++"}) {
    if (name == compiler) return true;
  }
  return false;
}

}  // namespace kiln::client
