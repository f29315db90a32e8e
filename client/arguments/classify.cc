#include "client/arguments/classify.h"

#include <algorithm>
#include <array>
#include <optional>

#include "client/arguments/command_line.h"
#include "client/arguments/environment.h"
#include "client/arguments/response_file.h"

namespace kiln::client {
namespace {

// Variables that change what a compiler runs or writes in ways that a task does not reproduce.
constexpr auto kLocalVariables = std::to_array<std::string_view>(
    {"DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "GCC_EXEC_PREFIX", "COMPILER_PATH",
     "GCC_COMPARE_DEBUG", "CCC_OVERRIDE_OPTIONS", "CC_PRINT_OPTIONS", "CC_PRINT_HEADERS",
     "CC_LOG_DIAGNOSTICS", "CC_PRINT_PROC_STAT"});

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// `path` without the last suffix of its last component.
std::string without_suffix(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  const std::size_t slash = path.rfind('/');
  if (dot == std::string::npos || (slash != std::string::npos && dot < slash)) return path;
  return path.substr(0, dot);
}

// The names of what one source gives; both compilers name side outputs after -o, else after the
// source, in the current directory. clang -S names the .dwo after the source even so.
void name_outputs(const CompilerCall& call, const CommandLine& line, CompileUnit& unit) {
  const std::string from_source =
      absolute_path(call.cwd, without_suffix(std::string(base_name(unit.source))));
  unit.object = line.output ? absolute_path(call.cwd, *line.output)
                            : from_source + (line.stage == Stage::assembly ? ".s" : ".o");
  const std::string stem = without_suffix(unit.object);
  unit.outputs = {unit.object};
  if (line.writes_depfile) {
    unit.depfile = line.depfile ? absolute_path(call.cwd, *line.depfile) : stem + ".d";
    unit.outputs.push_back(unit.depfile);
  }
  if (line.coverage_notes) unit.outputs.push_back(stem + ".gcno");
  if (line.split_dwarf) {
    unit.outputs.push_back(stem + ".dwo");
    if (stem != from_source) unit.outputs.push_back(from_source + ".dwo");
  }
}

// argv for one of several sources: the others are left out.
std::vector<std::string> argv_for(const std::vector<std::string>& argv,
                                  const std::vector<Source>& sources, const Source& wanted) {
  std::vector<std::string> kept;
  auto skip = sources.begin();
  for (std::size_t i = 0; i < argv.size(); ++i) {
    const bool is_source = skip != sources.end() && skip->index == i;
    if (is_source) ++skip;
    if (!is_source || i == wanted.index) kept.push_back(argv[i]);
  }
  return kept;
}

CompileUnit make_unit(const CompilerCall& call, const Expansion& expansion, const CommandLine& line,
                      const Source& source) {
  CompileUnit unit;
  unit.source = source.path;
  unit.language = source.language;
  unit.expanded = argv_for(expansion.argv, line.sources, source);
  unit.argv = line.sources.size() == 1 ? call.argv : unit.expanded;
  unit.inputs = line.inputs;
  unit.inputs.insert(unit.inputs.end(), expansion.files.begin(), expansion.files.end());
  unit.forced_includes = line.forced_includes;
  unit.include_directories = line.include_directories;
  name_outputs(call, line, unit);
  return unit;
}

// Whether a compiler here could write `path` afresh as a plain file. Where it could not, what
// follows is the compiler's own business.
std::optional<Local> check_output(const std::string& path, const FileSystem& files) {
  const auto status = files.lstat(path);
  if (status) {
    if (status->kind != FileKind::regular || status->links > 1) return Local{"special_output"};
    if (!files.writable(path)) return Local{"output_unwritable"};
  } else if (status.error().code != Errc::not_found) {
    return Local{"output_unwritable"};
  }
  const std::size_t slash = path.rfind('/');
  if (!files.writable(slash == 0 ? "/" : path.substr(0, slash))) return Local{"output_unwritable"};
  return std::nullopt;
}

std::optional<Local> check_unit(const CompilerCall& call, const CompileUnit& unit,
                                const FileSystem& files) {
  const std::string source = absolute_path(call.cwd, unit.source);
  const auto status = files.stat(source);
  if (!status || status->kind != FileKind::regular || !files.readable(source)) {
    return Local{"source_unreadable"};
  }
  // "x/.o" has no stem to name other outputs after; compilers disagree on what follows.
  const std::string_view object = base_name(unit.object);
  if (unit.outputs.size() > 1 && object.rfind('.') == 0) return Local{"odd_name"};
  for (const std::string& output : unit.outputs) {
    if (auto local = check_output(output, files)) return local;
  }
  return std::nullopt;
}

// What in the text of specs reads more files, this machine's processor or the environment.
bool looks_around(std::string_view specs) {
  constexpr auto words =
      std::to_array<std::string_view>({"native", "local_cpu_detect", "%include", "getenv"});
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return specs.find(word) != std::string_view::npos;
  });
}

// Specs may load plugins (annobin), which are no part of a toolchain. A bare name is one of the
// compiler's own.
std::optional<Local> add_specs(const CompilerCall& call, CommandLine& line,
                               const FileSystem& files) {
  for (const std::string& name : line.specs) {
    const auto text = files.read(absolute_path(call.cwd, name));
    if (!text && name.find('/') == std::string::npos) return Local{"specs"};
    if (!text) return Local{"specs_unreadable"};
    if (text->find("plugin") != std::string::npos) return Local{"plugin"};
    if (looks_around(*text)) return Local{"specs"};
    line.inputs.push_back(name);
  }
  return std::nullopt;
}

}  // namespace

Classification classify(const CompilerCall& call, const FileSystem& files) {
  if (call.argv.size() < 2) return Local{"no_input", false};
  for (const std::string_view name : kLocalVariables) {
    if (!variable(call.environment, name).empty()) return Local{"environment"};
  }
  auto expansion = expand_response_files(call.argv, call.cwd, files);
  if (!expansion) return Local{"response_file"};
  CommandLine line = parse_command_line(expansion->argv);
  if (line.local) return *line.local;
  if (line.sources.size() > 1 && (line.output || line.depfile)) return Local{"several_sources"};
  if (auto local = add_specs(call, line, files)) return *local;
  Remote remote;
  for (const Source& source : line.sources) {
    CompileUnit unit = make_unit(call, *expansion, line, source);
    if (auto local = check_unit(call, unit, files)) return *local;
    remote.units.push_back(std::move(unit));
  }
  return remote;
}

}  // namespace kiln::client
