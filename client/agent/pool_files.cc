#include "client/agent/pool_files.h"

#include <algorithm>
#include <filesystem>

#include "common/wire/codec.h"

namespace kiln::client {
namespace {

// The listing in the tree; nothing when it is not of it.
const std::string* listing(const Toolchain& toolchain, const Digest& digest) {
  for (const auto& [name, encoded] : toolchain.listings) {
    if (name == digest) return &encoded;
  }
  return nullptr;
}

// `path` has no symlinks on its way. A toolchain's symlinks lead to files of it.
bool holds(const Toolchain& toolchain, const std::filesystem::path& path) {
  Digest at = toolchain.root;
  EntryKind kind = EntryKind::directory;
  for (const auto& component : path.relative_path()) {
    const auto* encoded = kind == EntryKind::directory ? listing(toolchain, at) : nullptr;
    if (encoded == nullptr) return false;
    const auto directory = wire::decode_directory(*encoded);
    if (!directory) return false;
    const auto& entries = directory->entries;
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const TreeEntry& entry) {
      return entry.name == component.string();
    });
    if (found == entries.end()) return false;
    at = found->digest;
    kind = found->kind;
  }
  return kind == EntryKind::file;
}

Status check_file(const std::string& path, const Toolchain& toolchain, const std::string& command,
                  const std::string& advice) {
  std::error_code problem;
  const auto real = std::filesystem::canonical(path, problem);
  if (problem) return fail(Errc::not_found, path + ": " + problem.message());
  if (holds(toolchain, real)) return {};
  return fail(Errc::not_found,
              path + " is no file of the pool's first toolchain, " + command + "; " + advice);
}

}  // namespace

Status check_pool_files(const PoolSpec& spec, const Toolchain& toolchain,
                        const std::string& command) {
  const auto check_program = [&](const char* option, const std::vector<std::string>& argv) {
    if (argv.empty()) return Status();
    const std::string& path = argv.front();
    const auto checked = check_file(
        path, toolchain, command,
        "steps run in its root, which has nothing else; name the step's program as the first "
        "--toolchain");
    return checked ? checked : Status(fail(checked.error().within(option)));
  };
  for (const auto& step : spec.init) KILN_TRY(check_program("--init", step));
  KILN_TRY(check_program("--probe", spec.probe));
  for (const auto& path : spec.keep_resident) {
    const auto checked =
        check_file(path, toolchain, command, "only those of the first --toolchain are kept");
    if (!checked) return fail(checked.error().within("--keep"));
  }
  return {};
}

}  // namespace kiln::client
