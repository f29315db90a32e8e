// From a call to tasks: what it is, what it reads, what it needs to run. Blocking; for pool
// threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "client/agent/settings.h"
#include "client/arguments/classify.h"
#include "client/inputs/file_digest_cache.h"
#include "client/inputs/file_system.h"
#include "client/inputs/tree_builder.h"
#include "client/lister/files_mode_lister.h"
#include "client/slots/local_slots.h"
#include "client/toolchain/toolchain_cache.h"
#include "common/model/task.h"
#include "common/wire/messages.h"

namespace kiln::client {

// One task with all that may have to be sent for it.
struct PreparedUnit {
  Task task;
  CompilerFamily family = CompilerFamily::gcc;
  bool is_compile = true;
  bool removes_stale_output = false;  // of an earlier run, when this one fails
  std::string source;                 // absolute: what `kiln why` is asked for
  std::uint64_t call = 0;             // whose it is, in the log; 0: a probe's
  std::shared_ptr<const InputTree> inputs;
  std::shared_ptr<const Toolchain> toolchain;
};

struct Prepared {
  std::string program;              // absolute path of the command on this machine
  std::vector<PreparedUnit> units;  // to be run in this order, one after the other
  Duration listing{};               // what preparing took
};
using PrepareOutcome = std::variant<Local, Prepared>;

// Whether something went wrong while preparing; else the call is of a kind that runs here.
bool is_failure(const Local& local);

class Preparer {
 public:
  // `lane` bounds how many -M runs there are on this machine at once.
  Preparer(std::filesystem::path cache, LocalSlots lane);

  // Thread-safe. Never fails: what cannot be prepared is local, with the reason.
  PrepareOutcome prepare(const wire::Call& call, const CallSettings& settings);

  ToolchainCache& toolchains() { return toolchains_; }

 private:
  PrepareOutcome prepare_compile(const wire::Call& call);
  PrepareOutcome prepare_run(const wire::Call& call);
  Result<std::variant<Local, PreparedUnit>> prepare_unit(const CompilerCall& call,
                                                         const wire::Call& original,
                                                         const CompileUnit& unit,
                                                         const ToolchainAnswer& toolchain);

  RealFileSystem files_;
  FileDigestCache digests_;
  ToolchainCache toolchains_;
  FilesModeLister lister_;
};

}  // namespace kiln::client
