#include "client/agent/prepare.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

#include "client/agent/listing_slots.h"
#include "client/arguments/environment.h"
#include "client/paths/program.h"

namespace kiln::client {
namespace {

// Bounds of every task; a pool may set others.
constexpr Limits kCompileLimits{.wall_ms = 0, .memory_bytes = 0, .output_bytes = 1ULL << 30U};

// How long a -M run waits for others of its kind.
constexpr Duration kLanePatience = seconds(1);

constexpr std::string_view kFailure = "prepare_";

CompilerFamily family_by_name(const std::string& command) {
  return command.find("clang") != std::string::npos ? CompilerFamily::clang : CompilerFamily::gcc;
}

bool uses_charsets(const std::vector<std::string>& argv) {
  return std::any_of(argv.begin(), argv.end(), [](const std::string& argument) {
    return argument.find("-charset") != std::string::npos;
  });
}

// clang's driver removes what is in the place of a failed compile's output. gcc's does where the
// step that fails is the one that writes it: with -S, and with -pipe, where all steps run at once.
bool removes_stale_output(CompilerFamily family, const std::vector<std::string>& argv) {
  return family == CompilerFamily::clang ||
         std::any_of(argv.begin(), argv.end(), [](const std::string& argument) {
           return argument == "-S" || argument == "-pipe" || argument == "--pipe" ||
                  argument == "--assemble";
         });
}

Local local_for(const Error& error) {
  return {std::string(kFailure) + std::string(name(error.code)), true, error.message};
}

Result<InputTree> build_tree(const FileSystem& files, FileDigestCache& digests,
                             const std::string& cwd, const Listing& listing) {
  TreeBuilder builder(files, digests, cwd);
  for (const auto& directory : listing.directories) KILN_TRY(builder.add_directory(directory));
  for (const auto& file : listing.files) KILN_TRY(builder.add_file(file));
  return builder.finish();
}

// A declared input directory means all that is below it, but what is neither a file nor a directory
// (a socket, a FIFO): that has no content to travel.
Status add_with_content(const std::filesystem::path& path, Listing& listing) {
  namespace fs = std::filesystem;
  const auto add = [&listing](const fs::path& one, fs::file_type type) {
    const bool is_file = type == fs::file_type::regular;
    // A dangling symlink is entered by the walk to where it leads, as a directory would be.
    const bool is_passage = type == fs::file_type::directory || type == fs::file_type::not_found;
    if (is_file) listing.files.push_back(one.string());
    if (is_passage) listing.directories.push_back(one.string());
  };
  std::error_code code;
  const auto status = fs::status(path, code);
  if (!fs::exists(status)) return fail(Errc::not_found, path.string() + " does not exist");
  add(path, status.type());
  if (!fs::is_directory(status)) return {};
  for (fs::recursive_directory_iterator at(path, code), end; !code && at != end;
       at.increment(code)) {
    std::error_code ignored;
    add(at->path(), fs::status(at->path(), ignored).type());
  }
  if (code) return fail_errno("cannot list " + path.string(), code.value());
  return {};
}

}  // namespace

bool is_failure(const Local& local) {
  return std::string_view(local.reason).starts_with(kFailure);
}

Preparer::Preparer(std::filesystem::path cache, LocalSlots lane)
    : digests_(files_),
      toolchains_(std::move(cache), files_, digests_),
      lister_(files_, digests_, in_lane(std::move(lane), kLanePatience)) {}

PrepareOutcome Preparer::prepare(const wire::Call& call, const CallSettings& settings) {
  if (settings.mode == CallMode::local) return Local{"mode_local", true};
  const TimePoint begin = Clock::now();
  PrepareOutcome outcome = call.kind == "run" ? prepare_run(call) : prepare_compile(call);
  if (auto* prepared = std::get_if<Prepared>(&outcome)) prepared->listing = Clock::now() - begin;
  return outcome;
}

PrepareOutcome Preparer::prepare_compile(const wire::Call& call) {
  CompilerCall compile{call.argv, call.program, call.cwd, call.environment,
                       family_by_name(call.program)};
  Classification classified = classify(compile, files_);
  // A program that is no compiler may start compilers: it must not hold a slot that they wait for.
  const bool is_compiler = is_compiler_name(call.program);
  if (const auto* local = std::get_if<Local>(&classified))
    return is_compiler ? *local : Local{"not_a_compiler", false};

  const auto& expanded = std::get<Remote>(classified).units.front().expanded;
  const ToolchainQuery query{call.program, call.cwd, call.environment, "", uses_charsets(expanded),
                             true};
  auto answer = toolchains_.find(query);
  if (!answer) return local_for(answer.error());
  if (!answer->toolchain) return Local{answer->reason, true};
  if (answer->toolchain->family && *answer->toolchain->family != compile.family) {
    compile.family = *answer->toolchain->family;
    classified = classify(compile, files_);
    if (const auto* local = std::get_if<Local>(&classified)) return *local;
  }
  Prepared prepared;
  prepared.program = answer->program;
  for (const auto& unit : std::get<Remote>(classified).units) {
    auto made = prepare_unit(compile, call, unit, *answer);
    if (!made) return local_for(made.error());
    if (const auto* local = std::get_if<Local>(&*made)) return *local;
    prepared.units.push_back(std::get<PreparedUnit>(std::move(*made)));
  }
  return prepared;
}

Result<std::variant<Local, PreparedUnit>> Preparer::prepare_unit(const CompilerCall& call,
                                                                 const wire::Call& original,
                                                                 const CompileUnit& unit,
                                                                 const ToolchainAnswer& toolchain) {
  KILN_TRY_ASSIGN(auto listed, lister_.list(unit, call));
  if (const auto* local = std::get_if<Local>(&listed)) return *local;
  const Listing listing = std::get<Listing>(std::move(listed));

  KILN_TRY_ASSIGN(auto tree, build_tree(files_, digests_, call.cwd, listing));

  PreparedUnit prepared;
  prepared.family = call.family;
  prepared.source = absolute_path(call.cwd, unit.source);
  prepared.removes_stale_output = removes_stale_output(call.family, unit.expanded);
  prepared.inputs = std::make_shared<const InputTree>(std::move(tree));
  prepared.toolchain = toolchain.toolchain;
  Task& task = prepared.task;
  task.label = unit.source;
  task.argv = unit.argv;
  if (original.stderr_is_terminal) {
    for (auto& argument : terminal_arguments(call, unit, toolchain.toolchain->version))
      task.argv.push_back(std::move(argument));
  }
  task.program = toolchain.toolchain->program;
  task.environment = task_environment(call.environment);
  task.cwd = call.cwd;
  task.umask = original.umask;
  task.toolchain = toolchain.toolchain->root;
  task.inputs = prepared.inputs->root;
  task.outputs = unit.outputs;
  task.limits = kCompileLimits;
  return prepared;
}

PrepareOutcome Preparer::prepare_run(const wire::Call& call) {
  if (call.program.empty()) return Local{"command_not_found", true};
  const ToolchainQuery query{call.program, call.cwd, call.environment, "", false, false};
  const auto answer = toolchains_.find(query);
  if (!answer) return local_for(answer.error());
  if (!answer->toolchain) return Local{answer->reason, true};

  PreparedUnit unit;
  unit.is_compile = false;
  Listing listing;
  for (const auto& input : call.inputs) {
    const auto added = add_with_content(absolute_path(call.cwd, input), listing);
    if (!added) return local_for(added.error());
  }
  for (const auto& output : call.outputs) {
    unit.task.outputs.push_back(absolute_path(call.cwd, output));
    listing.directories.push_back(
        std::filesystem::path(unit.task.outputs.back()).parent_path().string());
  }
  auto tree = build_tree(files_, digests_, call.cwd, listing);
  if (!tree) return local_for(tree.error());
  unit.inputs = std::make_shared<const InputTree>(std::move(*tree));
  unit.toolchain = answer->toolchain;
  unit.source = call.argv.front();
  unit.task.label = call.argv.front();
  unit.task.argv = call.argv;
  unit.task.program = answer->toolchain->program;
  unit.task.environment = task_environment(call.environment);
  unit.task.cwd = call.cwd;
  unit.task.umask = call.umask;
  unit.task.toolchain = answer->toolchain->root;
  unit.task.inputs = unit.inputs->root;
  unit.task.limits = kCompileLimits;
  Prepared prepared;
  prepared.program = answer->program;
  prepared.units.push_back(std::move(unit));
  return prepared;
}

}  // namespace kiln::client
