#include "client/arguments/environment.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace kiln::client {
namespace {

constexpr auto kTravels = std::to_array<std::string_view>({
    "COLUMNS",
    "CPATH",
    "CPLUS_INCLUDE_PATH",
    "C_INCLUDE_PATH",
    "GCC_COLORS",
    "GCC_EXTRA_DIAGNOSTIC_OUTPUT",
    "GCC_URLS",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LIBRARY_PATH",
    "LOCPATH",
    "OBJCPLUS_INCLUDE_PATH",
    "OBJC_INCLUDE_PATH",
    "PATH",
    "PWD",  // names the compilation directory in debug information
    "SOURCE_DATE_EPOCH",
    "TERM",
    "TERM_URLS",
    "TZ",
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"LC_", "NIX_", "CONDA_"});

bool travels(std::string_view name) {
  return std::binary_search(kTravels.begin(), kTravels.end(), name) ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

void add_list(std::string_view list, IncludeKind kind, std::vector<IncludeDirectory>& into) {
  if (list.empty()) return;
  while (true) {
    const std::size_t colon = list.find(':');
    const std::string_view element = list.substr(0, colon);
    into.push_back({kind, element.empty() ? "." : std::string(element)});
    if (colon == std::string_view::npos) return;
    list.remove_prefix(colon + 1);
  }
}

bool names_colour(std::string_view argument) {
  return argument.starts_with("-fdiagnostics-color") ||
         argument.starts_with("-fno-diagnostics-color") || argument == "-fcolor-diagnostics" ||
         argument == "-fno-color-diagnostics" || argument.starts_with("-fdiagnostics-format") ||
         argument.starts_with("-fdiagnostics-plain-output");
}

// These put clang's command line into the output, added arguments included.
bool records_arguments(std::string_view argument) {
  return argument == "-grecord-command-line" || argument == "-frecord-command-line" ||
         argument == "-grecord-gcc-switches" || argument == "-frecord-gcc-switches";
}

bool has(const std::vector<std::string>& arguments, bool (*matches)(std::string_view)) {
  return std::any_of(arguments.begin(), arguments.end(), matches);
}

// gcc names -fdiagnostics-urls in debug information and wherever it records its arguments.
bool keeps_links_out(std::string_view argument) {
  return argument.starts_with("-g") || argument.starts_with("-frecord-gcc-switches") ||
         argument == "-fverbose-asm" || argument.starts_with("-fdiagnostics-urls");
}

// gcc's own rule (auto_enable_urls in its diagnostic-color.cc): terminals that are known to print
// garbage for links get none, unless a variable of the user's says how to write them.
bool takes_links(const Environment& environment) {
  const auto is_set = [&](std::string_view name) {
    return std::any_of(environment.begin(), environment.end(),
                       [&](const auto& entry) { return entry.first == name; });
  };
  const std::string_view terminal = variable(environment, "COLORTERM");
  if (terminal == "xfce4-terminal" || terminal == "gnome-terminal") return false;
  if (is_set("GCC_URLS") || is_set("TERM_URLS") || is_set("COLORTERM")) return true;
  const std::string_view kind = variable(environment, "TERM");
  return kind != "xterm" && kind != "linux";
}

// gcc learned colours in 4.9, when only GCC_COLORS switched them on, and links in 10.
constexpr CompilerVersion kColours{4, 9};
constexpr CompilerVersion kColoursByDefault{5, 0};
constexpr CompilerVersion kLinks{10, 0};

bool gcc_uses_colours(CompilerVersion version, const Environment& environment) {
  if (version < kColours) return false;
  return version >= kColoursByDefault || !variable(environment, "GCC_COLORS").empty();
}

}  // namespace

std::string_view variable(const Environment& environment, std::string_view name) {
  const auto found = std::find_if(environment.begin(), environment.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  return found == environment.end() ? std::string_view{} : std::string_view(found->second);
}

Environment task_environment(const Environment& environment) {
  Environment kept;
  for (const auto& entry : environment) {
    if (travels(entry.first)) kept.push_back(entry);
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  kept.erase(std::unique(kept.begin(), kept.end(), same), kept.end());
  return kept;
}

std::vector<IncludeDirectory> environment_directories(const Environment& environment,
                                                      Language language) {
  std::vector<IncludeDirectory> directories;
  add_list(variable(environment, "CPATH"), IncludeKind::normal, directories);
  const std::string_view own = language == Language::cxx ? "CPLUS_INCLUDE_PATH" : "C_INCLUDE_PATH";
  add_list(variable(environment, own), IncludeKind::system, directories);
  return directories;
}

CompilerVersion version_in(std::string_view first_line) {
  int depth = 0;
  char before = '\0';
  for (std::size_t at = 0; at < first_line.size(); before = first_line[at++]) {
    const char c = first_line[at];
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (depth > 0 || before != ' ' || c < '0' || c > '9') continue;
    CompilerVersion version;
    const char* const end = first_line.data() + first_line.size();
    const auto major = std::from_chars(first_line.data() + at, end, version.major);
    if (major.ptr != end && *major.ptr == '.') std::from_chars(major.ptr + 1, end, version.minor);
    return version;
  }
  return {};
}

std::vector<std::string> terminal_arguments(const CompilerCall& call, const CompileUnit& unit,
                                            std::string_view version) {
  const std::string_view terminal = variable(call.environment, "TERM");
  if (terminal.empty() || terminal == "dumb") return {};
  const auto& arguments = unit.expanded;
  if (has(arguments, names_colour)) return {};
  if (call.family == CompilerFamily::clang) {
    if (has(arguments, records_arguments)) return {};
    return {"-fcolor-diagnostics"};
  }
  const CompilerVersion gcc = version_in(version);
  if (!gcc_uses_colours(gcc, call.environment)) return {};
  std::vector<std::string> added = {"-fdiagnostics-color=always"};
  if (gcc >= kLinks && takes_links(call.environment) && !has(arguments, keeps_links_out))
    added.emplace_back("-fdiagnostics-urls=always");
  return added;
}

}  // namespace kiln::client
