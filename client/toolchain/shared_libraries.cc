#include "client/toolchain/shared_libraries.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <utility>

#include "client/paths/environment.h"
#include "common/base/child_process.h"

namespace kiln::client {
namespace {

constexpr seconds kLoaderDeadline{20};

// Adds the path in one line of `ld.so --list`: "name => path (address)", "path (address)", or a
// name without a path for what the kernel provides.
void read_line(std::string_view line, std::vector<std::string>& to) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (const auto arrow = line.find(" => "); arrow != line.npos) line.remove_prefix(arrow + 4);
  const std::string_view path = line.substr(0, line.rfind(" (0x"));
  if (path.starts_with('/')) to.emplace_back(path);
}

Result<std::vector<std::string>> list(const std::string& binary, const std::string& loader,
                                      const Environment& environment, bool use_cache) {
  CommandSpec spec;
  spec.program = loader;
  spec.argv = {loader};
  if (!use_cache) spec.argv.emplace_back("--inhibit-cache");
  spec.argv.insert(spec.argv.end(), {"--list", binary});
  spec.environment = {{"LC_ALL", "C"}};
  if (const auto path = find_value(environment, "LD_LIBRARY_PATH")) {
    spec.environment.emplace_back("LD_LIBRARY_PATH", *path);
  }
  spec.cwd = "/";
  spec.deadline = kLoaderDeadline;
  KILN_TRY_ASSIGN(const CommandOutput output, run_command(spec));
  if (!output.succeeded()) {
    const bool is_missing = output.stderr_text.find("No such file") != std::string::npos;
    return fail(is_missing ? Errc::not_found : Errc::unsupported,
                "cannot list the shared libraries of " + binary + " with " + loader + ": " +
                    output.stderr_text);
  }
  std::vector<std::string> paths;
  std::istringstream lines(output.stdout_text);
  for (std::string line; std::getline(lines, line);) read_line(line, paths);
  return paths;
}

// A library for this machine's processor ("…/glibc-hwcaps/x86-64-v3/libz.so.1") has a plain twin
// that other machines load.
void add_plain_twins(std::vector<std::string>& paths) {
  constexpr std::string_view kMark = "/glibc-hwcaps/";
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto mark = paths[i].find(kMark);
    if (mark == std::string::npos) continue;
    const auto rest = paths[i].find('/', mark + kMark.size());
    if (rest == std::string::npos) continue;
    std::string twin = paths[i].substr(0, mark) + paths[i].substr(rest);
    std::error_code code;
    if (std::filesystem::exists(twin, code)) paths.push_back(std::move(twin));
  }
}

}  // namespace

Result<LibraryList> shared_libraries(const std::string& binary, const std::string& loader,
                                     const Environment& environment) {
  LibraryList libraries;
  KILN_TRY_ASSIGN(libraries.paths, list(binary, loader, environment, true));
  const auto uncached = list(binary, loader, environment, false);
  libraries.needs_loader_cache = !uncached || *uncached != libraries.paths;
  add_plain_twins(libraries.paths);
  return libraries;
}

}  // namespace kiln::client
