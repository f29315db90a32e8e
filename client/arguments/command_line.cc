#include "client/arguments/command_line.h"

#include <algorithm>
#include <array>
#include <utility>

#include "client/arguments/option_table.h"

namespace kiln::client {
namespace {

struct LanguageName {
  std::string_view name;
  std::optional<Language> language;
  std::string_view reason;  // why it stays
};

constexpr auto kSuffixes = std::to_array<LanguageName>({
    {"c", Language::c, {}},
    {"cc", Language::cxx, {}},
    {"cp", Language::cxx, {}},
    {"cpp", Language::cxx, {}},
    {"cxx", Language::cxx, {}},
    {"c++", Language::cxx, {}},
    {"C", Language::cxx, {}},
    {"CPP", Language::cxx, {}},
    {"CC", Language::cxx, {}},
    {"i", {}, "preprocessed"},
    {"ii", {}, "preprocessed"},
    {"s", {}, "assembler"},
    {"S", {}, "assembler"},
    {"sx", {}, "assembler"},
    {"h", {}, "precompiled_header"},
    {"hh", {}, "precompiled_header"},
    {"hp", {}, "precompiled_header"},
    {"hxx", {}, "precompiled_header"},
    {"hpp", {}, "precompiled_header"},
    {"h++", {}, "precompiled_header"},
    {"H", {}, "precompiled_header"},
    {"HPP", {}, "precompiled_header"},
    {"tcc", {}, "precompiled_header"},
    {"o", {}, "linker_input"},
    {"a", {}, "linker_input"},
    {"so", {}, "linker_input"},
    {"cppm", {}, "modules"},
    {"ixx", {}, "modules"},
    {"pcm", {}, "modules"},
});

constexpr auto kLanguages = std::to_array<LanguageName>({
    {"c", Language::c, {}},
    {"c++", Language::cxx, {}},
    {"cpp-output", {}, "preprocessed"},
    {"c++-cpp-output", {}, "preprocessed"},
    {"assembler", {}, "assembler"},
    {"assembler-with-cpp", {}, "assembler"},
    {"c-header", {}, "precompiled_header"},
    {"c++-header", {}, "precompiled_header"},
    {"c++-system-header", {}, "modules"},
    {"c++-user-header", {}, "modules"},
    {"c++-module", {}, "modules"},
});

template <std::size_t Size>
LanguageName look_up(const std::array<LanguageName, Size>& table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const LanguageName& row) { return row.name == name; });
  return found != table.end() ? *found : LanguageName{name, {}, "unknown_language"};
}

std::string_view suffix_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view base = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const std::size_t dot = base.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : base.substr(dot + 1);
}

// g++ and clang++, whatever their prefix and version, take C sources for C++.
bool is_cxx_driver(std::string_view program) {
  const std::size_t slash = program.rfind('/');
  return program.find("++", slash == std::string_view::npos ? 0 : slash) != std::string_view::npos;
}

// What the assembler may be told without writing anything but the object.
bool is_harmless_to_assembler(std::string_view value) {
  return value == "--noexecstack" || value == "--execstack" || value == "--fatal-warnings" ||
         value == "--no-warn" || value == "-W" || value == "-mrelax-relocations=yes" ||
         value == "-mrelax-relocations=no" || value.starts_with("--compress-debug-sections") ||
         value == "--nocompress-debug-sections" || value == "-mbig-obj";
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& argv) : cxx_driver_(is_cxx_driver(argv.front())) {
    for (const Argument& argument : cut_arguments(argv)) take(argument);
  }

  CommandLine finish() {
    if (query_) {
      line_.local = Local{"query", false};
    } else if (operands_ == 0) {
      line_.local = Local{"no_input", false};
    } else if (!line_.local && line_.stage == Stage::link) {
      stay("link");
    } else if (!line_.local && line_.depfile && !line_.writes_depfile) {
      stay("depfile_without_rule");
    }
    return std::move(line_);
  }

 private:
  void stay(std::string_view reason) {
    if (!line_.local) line_.local = Local{std::string(reason), true};
  }

  void take(const Argument& argument) {
    if (argument.is_operand()) return take_operand(argument);
    if (argument.option == nullptr) return stay("unknown_option");
    if (!argument.complete) return stay("incomplete_option");
    if (!take_decision(argument) && !take_search(argument)) take_result(argument);
  }

  void take_operand(const Argument& argument) {
    ++operands_;
    if (argument.text == "-") return stay("stdin");
    if (argument.text.find('\n') != std::string_view::npos) return stay("odd_name");
    LanguageName row =
        language_ ? look_up(kLanguages, *language_) : look_up(kSuffixes, suffix_of(argument.text));
    if (!row.language) return stay(row.reason);
    if (!language_ && cxx_driver_) row.language = Language::cxx;
    line_.sources.push_back({std::string(argument.text), argument.index, *row.language});
  }

  // Options that decide where the call runs.
  bool take_decision(const Argument& argument) {
    const std::string_view value = argument.value;
    switch (argument.option->effect) {
      case Effect::none:
        break;
      case Effect::local:
        stay(argument.option->reason);
        break;
      case Effect::query:
        query_ = true;
        break;
      case Effect::feature:
        if (value.find('=') != std::string_view::npos) stay("unknown_option");
        break;
      case Effect::processor:
        if (value.starts_with("native")) stay("march_native");
        break;
      case Effect::profile:
        stay("profile");
        break;
      case Effect::assembler:
        if (!is_harmless_to_assembler(value)) stay("assembler_options");
        break;
      case Effect::object_stage:
        if (line_.stage == Stage::link) line_.stage = Stage::object;
        break;
      case Effect::assembly_stage:
        line_.stage = Stage::assembly;
        break;
      default:
        return false;
    }
    return true;
  }

  // Options that say where files are looked for.
  bool take_search(const Argument& argument) {
    const std::string value(argument.value);
    switch (argument.option->effect) {
      case Effect::quote_directory:
        line_.include_directories.push_back({IncludeKind::quote, value});
        break;
      case Effect::normal_directory:
        line_.include_directories.push_back({IncludeKind::normal, value});
        break;
      case Effect::system_directory:
      case Effect::tree_directory:
        line_.include_directories.push_back({IncludeKind::system, value});
        break;
      case Effect::after_directory:
        line_.include_directories.push_back({IncludeKind::after, value});
        break;
      case Effect::forced_include:
        line_.forced_includes.push_back(value);
        break;
      case Effect::input:
        line_.inputs.push_back(value);
        break;
      case Effect::specs:
        line_.specs.push_back(value);
        break;
      case Effect::language:
        language_ = value == "none" ? std::nullopt : std::optional(value);
        break;
      default:
        return false;
    }
    return true;
  }

  // Options that say what is written.
  void take_result(const Argument& argument) {
    switch (argument.option->effect) {
      case Effect::output:
        if (argument.value == "-") stay("stdout");
        if (line_.output) stay("several_outputs");
        line_.output = std::string(argument.value);
        break;
      case Effect::depfile:
        line_.writes_depfile = true;
        break;
      case Effect::depfile_name:
        take_depfile(argument.value);
        break;
      case Effect::preprocessor:
        if (const auto name = preprocessor_depfile(argument.value)) {
          line_.writes_depfile = true;
          take_depfile(*name);
        } else {
          stay("preprocessor_options");
        }
        break;
      case Effect::coverage_notes:
        line_.coverage_notes = true;
        break;
      case Effect::split_dwarf:
        line_.split_dwarf = true;
        break;
      default:
        break;
    }
  }

  void take_depfile(std::string_view name) {
    if (name == "-") stay("stdout");
    if (line_.depfile) stay("several_outputs");
    line_.depfile = std::string(name);
  }

  const bool cxx_driver_;
  CommandLine line_;
  bool query_ = false;
  std::size_t operands_ = 0;
  std::optional<std::string> language_;
};

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& argv) {
  return Parser(argv).finish();
}

std::optional<std::string_view> preprocessor_depfile(std::string_view value) {
  for (const std::string_view prefix : {"-MD,", "-MMD,"}) {
    if (!value.starts_with(prefix)) continue;
    value.remove_prefix(prefix.size());
    if (value.empty() || value.find(',') != std::string_view::npos) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

}  // namespace kiln::client
