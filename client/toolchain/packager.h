// Gathers files into a FileList, each program with all that it needs to start.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/toolchain/compiler.h"
#include "client/toolchain/elf.h"
#include "client/toolchain/package.h"
#include "common/base/result.h"

namespace kiln::client {

class Packager {
 public:
  // `query` outlives the packager.
  explicit Packager(const ToolchainQuery& query) : query_(query) {}

  void add_file(const std::string& path) { files_.insert(path); }
  // Adds the file when it is there.
  void add_existing(const std::string& path);
  void add_directory(const std::string& path) { directories_.insert(path); }
  // Notes that the appearance of something in this directory ends the list's validity.
  void watch(const std::string& directory) { watched_.insert(directory); }
  // Adds an executable or shared library with its libraries, loader or interpreter.
  Status add_program(const std::string& path);
  // Looks `name` up on the query's PATH, notes the answer, and adds what was found.
  Result<std::optional<std::string>> add_from_path(const std::string& name);
  // The catalogues of `domains` and all else that the query's locale needs. Last of all.
  void add_locale(const std::vector<std::string>& domains);

  FileList finish() const;

 private:
  Status add_elf(const std::string& path, const ProgramFile& file);
  Status add_script(const std::string& path, const ProgramFile& file);

  const ToolchainQuery& query_;
  std::set<std::string> files_;
  std::set<std::string> directories_;
  std::set<std::string> watched_;
  std::set<std::string> listed_;    // real paths of programs that are done
  std::set<std::string> prefixes_;  // of these: "/usr" for /usr/bin/as
  std::vector<HelperLookup> lookups_;
  std::string loader_;  // of the first dynamic program, for libraries that name none
  std::string c_library_;
  std::string architecture_;
};

}  // namespace kiln::client
