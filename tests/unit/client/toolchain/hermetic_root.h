// A toolchain's tree made real: a root directory in which nothing else exists.
#pragma once

#include <string>
#include <vector>

#include "client/toolchain/probe.h"
#include "client/toolchain/toolchain.h"
#include "tests/unit/client/toolchain/temporary_directory.h"

namespace kiln::client {

// Lays out directories and symlinks; files are bind-mounted, in the mount namespace of each run.
class HermeticRoot {
 public:
  explicit HermeticRoot(const Toolchain& toolchain);

  // Shows a directory of this machine at the same path, for sources and headers.
  void show(const std::string& directory);

  // Runs `program` with `arguments` in the root. `cwd` has to be shown.
  ProbeOutcome run(const std::string& program, const std::vector<std::string>& arguments,
                   const Environment& environment, const std::string& cwd,
                   const std::string& object) const;

 private:
  void lay_out(const Toolchain& toolchain, const Digest& listing, const std::string& path);
  void mount(const std::string& source, const std::string& path, const char* how);

  TemporaryDirectory root_;
  std::string mounts_;  // shell commands
};

}  // namespace kiln::client
