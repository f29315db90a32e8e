#include "client/toolchain/packager.h"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "client/paths/program.h"
#include "client/toolchain/locale_files.h"
#include "client/toolchain/shared_libraries.h"

namespace kiln::client {

namespace fs = std::filesystem;

void Packager::add_existing(const std::string& path) {
  std::error_code code;
  if (fs::is_regular_file(path, code)) files_.insert(path);
}

Status Packager::add_program(const std::string& path) {
  files_.insert(path);
  std::error_code code;
  const fs::path real_path = fs::canonical(path, code);
  if (code) return fail_errno("cannot package " + path, code.value());
  if (!listed_.insert(real_path.string()).second) return {};
  prefixes_.insert(real_path.parent_path().parent_path().string());
  KILN_TRY_ASSIGN(const ProgramFile file, inspect_program(path));
  if (file.kind == ProgramKind::elf) return add_elf(path, file);
  if (file.kind == ProgramKind::script) return add_script(path, file);
  return fail(Errc::unsupported, path + " is neither an ELF file nor a script");
}

Status Packager::add_elf(const std::string& path, const ProgramFile& file) {
  if (architecture_.empty()) architecture_ = file.architecture;
  if (!file.is_dynamic) return {};
  if (!file.loader.empty()) {
    files_.insert(file.loader);
    if (loader_.empty()) loader_ = file.loader;
  }
  const std::string& loader = file.loader.empty() ? loader_ : file.loader;
  if (loader.empty()) return {};  // static-pie
  KILN_TRY_ASSIGN(const LibraryList libraries, shared_libraries(path, loader, query_.environment));
  for (const auto& library : libraries.paths) {
    files_.insert(library);
    if (library.ends_with("/libc.so.6")) c_library_ = library;
  }
  if (libraries.needs_loader_cache) add_existing("/etc/ld.so.cache");
  return {};
}

Status Packager::add_script(const std::string& path, const ProgramFile& file) {
  if (file.interpreter.empty()) {
    return fail(Errc::unsupported, path + " is a script that names no interpreter");
  }
  KILN_TRY(add_program(file.interpreter.front()));
  const bool is_env = fs::path(file.interpreter.front()).filename() == "env";
  if (!is_env || file.interpreter.size() < 2) return {};
  KILN_TRY_ASSIGN(const auto found, add_from_path(file.interpreter[1]));
  if (found) return {};
  return fail(Errc::not_found, "the interpreter " + file.interpreter[1] + " is not on PATH");
}

Result<std::optional<std::string>> Packager::add_from_path(const std::string& name) {
  const auto found = find_program(name, query_.cwd, query_.environment, query_.self);
  lookups_.push_back({name, found ? found->path : ""});
  if (!found) return std::optional<std::string>();
  KILN_TRY(add_program(found->path));
  return std::optional<std::string>(found->path);
}

void Packager::add_locale(const std::vector<std::string>& domains) {
  LocaleQuery locale;
  locale.environment = query_.environment;
  locale.prefixes.assign(prefixes_.begin(), prefixes_.end());
  locale.domains = domains;
  locale.c_library = c_library_;
  locale.charsets = query_.charsets;
  const LocaleFiles found = locale_files(locale);
  files_.insert(found.files.begin(), found.files.end());
  watched_.insert(found.watched.begin(), found.watched.end());
}

FileList Packager::finish() const {
  FileList list;
  list.files.assign(files_.begin(), files_.end());
  list.directories.assign(directories_.begin(), directories_.end());
  list.lookups = lookups_;
  list.watched.assign(watched_.begin(), watched_.end());
  list.architecture = architecture_;
  return list;
}

}  // namespace kiln::client
