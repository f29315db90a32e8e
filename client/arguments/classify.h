// Decides from a compiler's command line whether the call may run on another machine, and what it
// reads and writes there. Pure: the file system is an interface. Anything that is not understood
// runs locally: a wrong object is worse than a slow one.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "client/inputs/file_system.h"

namespace kiln::client {

enum class CompilerFamily : std::uint8_t { gcc, clang };

using Environment = std::vector<std::pair<std::string, std::string>>;

// One call as the launcher handed it over.
struct CompilerCall {
  std::vector<std::string> argv;  // argv[0]: the compiler as the caller named it
  std::string program;            // absolute path of the compiler that argv[0] means
  std::string cwd;                // absolute
  Environment environment;        // the caller's whole environment
  CompilerFamily family = CompilerFamily::gcc;
};

// The compiler runs untouched on this machine.
struct Local {
  std::string reason;       // a stable word: "link", "preprocess_only", "march_native"
  bool wants_slot = true;   // false for questions that take no time, as --version
  std::string detail = {};  // for people, where the reason does not say all

  friend bool operator==(const Local&, const Local&) = default;
};

enum class Language : std::uint8_t { c, cxx };

// Which search list a directory belongs to, in the order in which they are searched.
enum class IncludeKind : std::uint8_t { quote, normal, system, after };

struct IncludeDirectory {
  IncludeKind kind = IncludeKind::normal;
  std::string path;  // as given

  friend bool operator==(const IncludeDirectory&, const IncludeDirectory&) = default;
};

// One source to compile: one task.
struct CompileUnit {
  std::string source;  // as given
  Language language = Language::c;
  std::vector<std::string> argv;      // of the remote run: the call's own, unless several sources
  std::vector<std::string> expanded;  // the same with @files replaced by what they hold
  std::string object;                 // absolute: the main output, an object or assembler text
  std::string depfile;                // absolute; empty: none
  // Absolute. All that the compiler may write, object and depfile included; those that exist after
  // the run are its outputs.
  std::vector<std::string> outputs;
  std::vector<std::string> inputs;  // as given: @files, sanitizer lists and other files in flags
  std::vector<std::string> forced_includes;  // as given: -include and -imacros
  std::vector<IncludeDirectory> include_directories;
};

struct Remote {
  std::vector<CompileUnit> units;  // at least one, to be run and answered in this order
};

using Classification = std::variant<Local, Remote>;

// Never fails: what cannot be read or understood is Local with a reason.
Classification classify(const CompilerCall& call, const FileSystem& files);

}  // namespace kiln::client
