// Lists what a program needs to run in a root that has nothing else.
#pragma once

#include <string>
#include <vector>

#include "client/toolchain/compiler.h"
#include "common/base/result.h"

namespace kiln::client {

// A helper that the compiler will look up on PATH itself ("as"), and what it found.
struct HelperLookup {
  std::string name;
  std::string path;

  friend bool operator==(const HelperLookup&, const HelperLookup&) = default;
};

// Paths are absolute, unique, and lead through symlinks as the program will walk them.
struct FileList {
  std::vector<std::string> files;
  std::vector<std::string> directories;
  std::vector<HelperLookup> lookups;  // an empty path: not found, and done without
  std::vector<std::string> watched;   // directories in which something missing could appear
  std::string architecture;           // as uname -m, of the program first added or its interpreter
};

// Everything of `compiler` for C and C++: the drivers of both and their aliases in the same
// directories (so that cc, gcc and g++ are one toolchain), the helper programs, their shared
// libraries and loaders, specs, the LTO plugin, clang's resource files, configuration and the marks
// by which it finds gcc's headers, locale and messages. Headers are inputs of tasks, not part of
// it. Errc::not_found names a helper or library that is missing. Blocks: runs the compiler some
// ten times.
Result<FileList> package_compiler(const Compiler& compiler, const ToolchainQuery& query);

// Everything to run `program`, the absolute path of an executable or script, for `kiln run`: its
// interpreters, libraries, loader and locale. What it opens by itself is not known here.
// Errc::unsupported for a script that names no interpreter.
Result<FileList> package_program(const std::string& program, const ToolchainQuery& query);

}  // namespace kiln::client
