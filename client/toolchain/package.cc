#include "client/toolchain/package.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <system_error>

#include "client/toolchain/ask.h"
#include "client/toolchain/packager.h"

namespace kiln::client {
namespace {

namespace fs = std::filesystem;

// The C++ driver beside a C driver, or the other way round; empty when the name is neither.
std::string sibling_name(const std::string& name) {
  constexpr std::array<std::array<std::string_view, 2>, 4> kPairs = {
      {{"clang++", "clang"}, {"clang", "clang++"}, {"g++", "gcc"}, {"gcc", "g++"}}};
  for (const auto& [from, to] : kPairs) {
    const auto position = name.rfind(from);
    if (position != std::string::npos) return std::string(name).replace(position, from.size(), to);
  }
  return "";
}

bool may_be_driver(const std::string& name) {
  return name.find("cc") != name.npos || name.find("++") != name.npos ||
         name.find("clang") != name.npos;
}

// Adds every name of the C and C++ drivers in the directories where `compiler` was found.
Status add_drivers(const Compiler& compiler, Packager& packager) {
  std::error_code code;
  const fs::path real_path = compiler.real_path;
  std::vector<fs::path> drivers{real_path};
  const std::string sibling = sibling_name(real_path.filename().string());
  const fs::path other = fs::canonical(real_path.parent_path() / sibling, code);
  if (!sibling.empty() && !code) drivers.push_back(other);
  KILN_TRY(packager.add_program(compiler.program));
  for (const auto& driver : drivers) KILN_TRY(packager.add_program(driver.string()));
  for (const auto& directory :
       {fs::path(compiler.program).parent_path(), real_path.parent_path()}) {
    code.clear();
    for (fs::directory_iterator entry(directory, code), end; !code && entry != end;
         entry.increment(code)) {
      if (!may_be_driver(entry->path().filename().string())) continue;
      std::error_code broken;
      const fs::path target = fs::canonical(entry->path(), broken);
      const bool is_alias = std::find(drivers.begin(), drivers.end(), target) != drivers.end();
      if (!broken && is_alias) packager.add_file(entry->path().string());
    }
  }
  return {};
}

// Adds the helper program that the compiler would start as `name`; false when there is none.
Result<bool> add_helper(const std::string& name, const Compiler& compiler,
                        const ToolchainQuery& query, Packager& packager) {
  KILN_TRY_ASSIGN(const std::string answer,
                  ask_line(compiler.program, "-print-prog-name=" + name, query));
  if (answer.find('/') == std::string::npos) {
    KILN_TRY_ASSIGN(const auto found, packager.add_from_path(name));
    return found.has_value();
  }
  std::error_code code;
  if (!fs::is_regular_file(answer, code)) return false;
  KILN_TRY(packager.add_program(answer));
  return true;
}

tl::unexpected<Error> missing(const Compiler& compiler, const std::string& helper,
                              const std::string& package) {
  return fail(Errc::not_found,
              compiler.program + " needs " + helper +
                  ", which is neither among its own programs nor on PATH; install " + package);
}

// The file that `-print-file-name=NAME` finds; empty when the compiler only repeats the name.
Result<std::string> own_file(const std::string& name, const Compiler& compiler,
                             const ToolchainQuery& query) {
  auto path = ask_line(compiler.program, "-print-file-name=" + name, query);
  std::error_code code;
  if (path && !fs::path(*path).is_absolute()) path->clear();
  if (path && !fs::is_regular_file(*path, code)) path->clear();
  return path;
}

Status add_gcc(const Compiler& compiler, const ToolchainQuery& query, Packager& packager) {
  KILN_TRY_ASSIGN(const bool has_c, add_helper("cc1", compiler, query, packager));
  KILN_TRY_ASSIGN(const bool has_cxx, add_helper("cc1plus", compiler, query, packager));
  if (!has_c && !has_cxx) return missing(compiler, "cc1", "gcc");
  KILN_TRY_ASSIGN(const bool has_assembler, add_helper("as", compiler, query, packager));
  if (!has_assembler) return missing(compiler, "as", "binutils");
  for (const char* name : {"collect2", "lto1", "lto-wrapper", "objcopy"}) {
    KILN_TRY(add_helper(name, compiler, query, packager));
  }
  KILN_TRY_ASSIGN(const std::string plugin, own_file("liblto_plugin.so", compiler, query));
  if (!plugin.empty()) KILN_TRY(packager.add_program(plugin));
  KILN_TRY_ASSIGN(const std::string specs, own_file("specs", compiler, query));
  if (!specs.empty()) packager.add_file(specs);
  // Another package may add cc1plus or specs to gcc's own directory.
  KILN_TRY_ASSIGN(const std::string directory,
                  ask_line(compiler.program, "-print-file-name=.", query));
  std::error_code code;
  if (fs::is_directory(directory, code)) packager.watch(fs::path(directory).lexically_normal());
  KILN_TRY_ASSIGN(const std::string version, ask_line(compiler.program, "-dumpversion", query));
  const std::string major = version.substr(0, version.find('.'));
  packager.add_locale({"gcc", "gcc-" + major, "cpplib", "cpplib-" + major, "gas", "bfd", "opcodes",
                       "binutils", "libc"});
  return {};
}

// clang takes the gcc installation that has crtbegin.o for its own C++ headers and libraries.
void add_gcc_installation(const std::string& directory, Packager& packager) {
  for (const char* multilib : {"", "32/", "x32/", "64/", "n32/"}) {
    packager.add_existing(directory + "/" + multilib + "crtbegin.o");
  }
}

// What `clang -v` says on stderr while it preprocesses nothing.
void add_announced(const std::string& text, Packager& packager) {
  constexpr std::string_view kGcc = "Selected GCC installation: ";
  constexpr std::string_view kConfiguration = "Configuration file: ";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kGcc)) add_gcc_installation(line.substr(kGcc.size()), packager);
    if (line.starts_with(kConfiguration)) packager.add_existing(line.substr(kConfiguration.size()));
  }
}

void add_files_of(const fs::path& directory, std::string_view extension, Packager& packager) {
  std::error_code code;
  for (fs::directory_iterator entry(directory, code), end; !code && entry != end;
       entry.increment(code)) {
    const bool is_wanted = extension.empty() || entry->path().extension() == extension;
    if (is_wanted) packager.add_existing(entry->path().string());
  }
}

Status add_clang(const Compiler& compiler, const ToolchainQuery& query, Packager& packager) {
  KILN_TRY_ASSIGN(const CommandOutput verbose,
                  ask(compiler.program, {"-v", "-E", "-x", "c", "/dev/null"}, query));
  add_announced(verbose.stderr_text, packager);
  add_files_of(fs::path(compiler.real_path).parent_path(), ".cfg", packager);
  packager.watch(fs::path(compiler.real_path).parent_path());
  KILN_TRY_ASSIGN(const std::string resources,
                  ask_line(compiler.program, "-print-resource-dir", query));
  packager.add_directory(resources);
  add_files_of(fs::path(resources) / "share", "", packager);
  KILN_TRY(add_helper("as", compiler, query, packager));
  KILN_TRY(add_helper("objcopy", compiler, query, packager));
  // Some of clang's defaults depend on the distribution.
  for (const char* mark : {"/etc/os-release", "/etc/debian_version", "/etc/lsb-release",
                           "/etc/redhat-release", "/etc/SuSE-release"}) {
    packager.add_existing(mark);
  }
  packager.add_locale({"gas", "bfd", "opcodes", "binutils", "libc"});
  return {};
}

}  // namespace

Result<FileList> package_compiler(const Compiler& compiler, const ToolchainQuery& query) {
  if (!compiler.unsupported.empty()) return fail(Errc::unsupported, compiler.explanation);
  Packager packager(query);
  KILN_TRY(add_drivers(compiler, packager));
  if (compiler.family == CompilerFamily::clang) {
    KILN_TRY(add_clang(compiler, query, packager));
  } else {
    KILN_TRY(add_gcc(compiler, query, packager));
  }
  return packager.finish();
}

Result<FileList> package_program(const std::string& program, const ToolchainQuery& query) {
  Packager packager(query);
  KILN_TRY(packager.add_program(program));
  packager.add_locale({std::filesystem::path(program).filename().string(), "libc"});
  return packager.finish();
}

}  // namespace kiln::client
