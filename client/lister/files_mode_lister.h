// Files mode: the compiler itself is asked, by -M, which files a compile reads; then what -M does
// not tell (headers that only __has_include asks for) is added from a scan of these files.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "client/arguments/classify.h"
#include "client/inputs/file_digest_cache.h"
#include "client/inputs/file_system.h"
#include "common/base/child_process.h"
#include "common/base/result.h"

namespace kiln::client {

// Runs a command to its end; run_command outside tests. Called from any thread.
using CommandRunner = std::function<Result<CommandOutput>(const CommandSpec&)>;

// All that a compile may look at, for a TreeBuilder. Paths are absolute or seen from the call's
// cwd.
struct Listing {
  std::vector<std::string> files;
  std::vector<std::string> directories;
};
using ListOutcome = std::variant<Listing, Local>;

// Thread-safe; `list` blocks while the compiler runs.
class FilesModeLister {
 public:
  // `files` and `digests` outlive the lister.
  FilesModeLister(const FileSystem& files, FileDigestCache& digests, CommandRunner runner);
  ~FilesModeLister();
  FilesModeLister(const FilesModeLister&) = delete;
  FilesModeLister& operator=(const FilesModeLister&) = delete;

  // What `unit` of `call` reads, or why it has to run locally ("lister_failed" when -M fails: the
  // compiler itself will say why). An error means that the question could not be asked.
  Result<ListOutcome> list(const CompileUnit& unit, const CompilerCall& call);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln::client
