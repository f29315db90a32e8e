#include "client/lister/files_mode_lister.h"

#include <algorithm>
#include <utility>

#include "client/lister/closure.h"
#include "client/lister/files_mode.h"
#include "client/lister/make_rule.h"
#include "client/lister/scan_cache.h"
#include "client/lister/search_path.h"

namespace kiln::client {
namespace {

// A preprocessor that takes longer than this is better off without us.
constexpr milliseconds kDeadline{120'000};

// The search path is read from messages, which are translated; names of files are not.
Environment untranslated(const Environment& environment) {
  Environment result = environment;
  std::erase_if(result, [](const auto& entry) {
    return entry.first == "LC_ALL" || entry.first == "LANGUAGE";
  });
  result.emplace_back("LC_ALL", "C");
  return result;
}

}  // namespace

class FilesModeLister::Impl {
 public:
  Impl(const FileSystem& files, FileDigestCache& digests, CommandRunner runner)
      : files_(files), digests_(digests), runner_(std::move(runner)), scans_(files) {}

  Result<ListOutcome> list(const CompileUnit& unit, const CompilerCall& call) {
    if (auto local = judge_arguments(unit, call)) return ListOutcome(std::move(*local));
    CommandSpec command;
    command.program = call.program;
    command.argv = files_mode_argv(unit.expanded);
    command.environment = untranslated(call.environment);
    command.cwd = call.cwd;
    command.deadline = kDeadline;
    KILN_TRY_ASSIGN(const CommandOutput output, runner_(command));
    if (!output.succeeded()) return ListOutcome(Local{"lister_failed"});
    const auto listed = parse_dependencies(output.stdout_text);
    if (!listed) return ListOutcome(Local{"odd_name"});
    const auto search = parse_search_path(output.stderr_text);
    if (!search) return ListOutcome(Local{"lister_failed"});
    return close_listing({files_, digests_, scans_}, unit, call, *listed, *search);
  }

 private:
  const FileSystem& files_;
  FileDigestCache& digests_;
  const CommandRunner runner_;
  ScanCache scans_;
};

FilesModeLister::FilesModeLister(const FileSystem& files, FileDigestCache& digests,
                                 CommandRunner runner)
    : impl_(std::make_unique<Impl>(files, digests, std::move(runner))) {}
FilesModeLister::~FilesModeLister() = default;

Result<ListOutcome> FilesModeLister::list(const CompileUnit& unit, const CompilerCall& call) {
  return impl_->list(unit, call);
}

}  // namespace kiln::client
