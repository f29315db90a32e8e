// The probe: small compiles whose remote result must equal the local one before a toolchain is
// used.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "client/arguments/classify.h"
#include "client/toolchain/toolchain.h"
#include "common/base/result.h"

namespace kiln::client {

// One compile of a source without includes: optimised, with debug information, and with a warning
// that quotes a name, so that a missing locale or catalogue shows.
struct ProbeSource {
  std::string file_name;  // probe.c or probe.cc; the object is file_name + ".o"
  std::string content;
  std::vector<std::string>
      arguments;  // argv behind the compiler's name, source and object included
};

// Whether the toolchain of a compiler has what compiles `language` (c or cxx): gcc's C++ is a
// package of its own, and many a machine is without it.
bool can_compile(const Toolchain& toolchain, Language language);

// What `family` has to get right for `language` (c or cxx).
std::vector<ProbeSource> probe_sources(CompilerFamily family, Language language);

struct ProbeOutcome {
  int exit_code = 0;
  std::string object;       // the bytes
  std::string diagnostics;  // stderr

  friend bool operator==(const ProbeOutcome&, const ProbeOutcome&) = default;
};

// A new directory under `parent` that holds one source: the cwd of both runs (objects name it).
// Removed with the object.
class ProbeDirectory {
 public:
  static Result<ProbeDirectory> create(const std::filesystem::path& parent,
                                       const ProbeSource& source);
  ProbeDirectory(ProbeDirectory&& other) noexcept;
  ProbeDirectory& operator=(ProbeDirectory&& other) noexcept;
  ~ProbeDirectory();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path source_path() const { return path_ / file_name_; }
  std::filesystem::path object_path() const { return path_ / (file_name_ + ".o"); }

 private:
  ProbeDirectory(std::filesystem::path path, std::string file_name);
  std::filesystem::path path_;
  std::string file_name_;
};

// Compiles the source in `directory` on this machine with `program` (argv[0] is `command`) and
// removes the object again. A compile that fails is an outcome; errors are for one that could not
// be run or took over 60 s. Blocks.
Result<ProbeOutcome> run_locally(const std::string& program, const std::string& command,
                                 const Environment& environment, const ProbeSource& source,
                                 const ProbeDirectory& directory);

// Ok when they are equal; else Errc::unsupported says what differs, for Verdict::reason. A local
// outcome that is itself a failure is refused too.
Status compare(const ProbeOutcome& local, const ProbeOutcome& remote);

}  // namespace kiln::client
