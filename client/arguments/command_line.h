// A compiler's command line, understood: what is compiled, what is written and read, and what keeps
// it on this machine. Looks at no file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/arguments/classify.h"

namespace kiln::client {

enum class Stage : std::uint8_t { link, object, assembly };

struct Source {
  std::string path;
  std::size_t index = 0;  // in argv
  Language language = Language::c;
};

struct CommandLine {
  // The first thing found that keeps the call local.
  std::optional<Local> local;
  Stage stage = Stage::link;
  std::vector<Source> sources;
  std::optional<std::string> output;
  bool writes_depfile = false;
  std::optional<std::string> depfile;
  bool coverage_notes = false;
  bool split_dwarf = false;
  std::vector<std::string> inputs;
  std::vector<std::string> specs;
  std::vector<std::string> forced_includes;
  std::vector<IncludeDirectory> include_directories;
};

// `argv` has no @files left.
CommandLine parse_command_line(const std::vector<std::string>& argv);

// The file that -Wp,-MD,FILE or -Wp,-MMD,FILE names; nothing for any other -Wp.
std::optional<std::string_view> preprocessor_depfile(std::string_view value);

}  // namespace kiln::client
