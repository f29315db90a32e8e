// Finds in a source or header what -M does not tell: the names that __has_include asks for, files
// that only diagnostics read, and constructs whose inputs Kiln does not know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::client {

struct HeaderName {
  std::string name;
  bool angled = false;
  bool next = false;  // __has_include_next, #include_next

  friend bool operator==(const HeaderName&, const HeaderName&) = default;
};

struct SourceScan {
  std::vector<HeaderName> asked;        // by a literal __has_include
  std::vector<HeaderName> included;     // by #include and #import, in whatever branch or comment
  bool once = false;                    // read at most once: #pragma once, #import
  std::vector<std::string> line_files;  // that #line names: carets in diagnostics read them
  bool computed_has_include = false;    // its name is made by macros
  bool embeds = false;                  // #embed, __has_embed or .incbin: unknown inputs
  bool tells_time = false;              // __DATE__ or __TIME__
  bool tells_timestamp = false;         // __TIMESTAMP__
  // Macros that stand for the operator, as in "#define HAVE(x) __has_include(x)"; what they are
  // applied to is found by a scan with `operators`.
  std::vector<std::string> aliases;
};

// Comments do not count. Names in `operators` count as __has_include.
SourceScan scan_source(std::string_view text, const std::vector<std::string>& operators = {});

// `text` with every comment blanked out; of the same length, line ends kept.
std::string blank_comments(std::string_view text);

}  // namespace kiln::client
