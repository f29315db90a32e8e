// From the files that -M lists to all that a compile may look at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/arguments/classify.h"
#include "client/inputs/file_digest_cache.h"
#include "client/inputs/file_system.h"
#include "client/lister/files_mode_lister.h"
#include "client/lister/scan_cache.h"
#include "client/lister/search_path.h"
#include "common/base/result.h"

namespace kiln::client {

// What a closure stands on; all of it outlives the call.
struct ClosureContext {
  const FileSystem& files;
  FileDigestCache& digests;
  ScanCache& scans;
};

// `listed`: the files as the compiler named them, the source included.
Result<ListOutcome> close_listing(const ClosureContext& context, const CompileUnit& unit,
                                  const CompilerCall& call, const std::vector<std::string>& listed,
                                  const SearchPath& search);

// Why the arguments themselves keep `unit` here: macros that they define put text into the sources,
// which no file holds.
std::optional<Local> judge_arguments(const CompileUnit& unit, const CompilerCall& call);

}  // namespace kiln::client
