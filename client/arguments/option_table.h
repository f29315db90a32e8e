// The options of gcc and clang that Kiln understands, as a table, and the cutting of a command line
// by it. An option that is in no row, not even by a generic prefix such as -W, runs locally.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::client {

// How an option takes its value.
enum class Form : std::uint8_t {
  flag,                // none
  joined,              // -std=c11; the rest of the argument, may be empty
  separate,            // --param X; the next argument
  joined_or_separate,  // -Idir or -I dir
};

// What an option means for where a call may run and what it reads and writes.
enum class Effect : std::uint8_t {
  none,              // nothing outside the compiler
  local,             // `reason` says why the call stays
  query,             // answered at once and without a source
  feature,           // generic -f…: local when it has a value, which might name a file
  processor,         // -march= and its like: local when "native"
  profile,           // generic -fprofile-…: local
  assembler,         // -Wa,…: only what writes nothing
  preprocessor,      // -Wp,…: only the depfile forms
  object_stage,      // -c
  assembly_stage,    // -S
  output,            // -o
  language,          // -x
  quote_directory,   // -iquote
  normal_directory,  // -I
  system_directory,  // -isystem
  after_directory,   // -idirafter
  tree_directory,    // --sysroot and its like
  forced_include,    // -include, -imacros
  input,             // the value names a file to read
  specs,             // -specs=
  depfile,           // -MD, -MMD
  depfile_name,      // -MF
  depfile_detail,    // -MT, -MQ, -MP
  coverage_notes,    // writes .gcno
  split_dwarf,       // writes .dwo
};

struct Option {
  std::string_view name;
  Form form = Form::flag;
  Effect effect = Effect::none;
  std::string_view reason;  // of Effect::local
};

// Sorted by name, for the test that says so.
std::span<const Option> option_table();

// One option with its value, or one operand.
struct Argument {
  const Option* option = nullptr;  // null: an operand, or an option that no row knows
  std::string_view text;           // the first argument as given
  std::string_view value;
  std::size_t index = 0;  // in argv
  std::size_t count = 1;  // arguments that it takes up
  bool complete = true;   // false: its separate value is missing

  bool is_operand() const { return option == nullptr && (!text.starts_with('-') || text == "-"); }
};

// Cuts argv, without argv[0]. The views are into `argv`. The longest row that fits wins.
std::vector<Argument> cut_arguments(const std::vector<std::string>& argv);

}  // namespace kiln::client
