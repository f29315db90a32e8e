// What a call of the `kiln` binary means, decided from its argv alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln::client {

struct Invocation {
  enum class Kind {
    compile,       // words: the compiler and its arguments
    command,       // words: a subcommand or option of Kiln and its arguments; empty: none given
    unknown_name,  // a link with a name that is neither kiln's nor a compiler's
  };
  Kind kind = Kind::command;
  std::vector<std::string> words;
};

// Called through a link named after a compiler: that compiler. Called as kiln or kiln…: by the
// first argument a subcommand of Kiln, an option, or a program to run.
Invocation interpret(const std::vector<std::string>& argv);

// The subcommands, those of later versions included, so that their names never run a program.
bool is_subcommand(std::string_view word);

// The subcommand or option nearest to `word` by edit distance; "" when none is near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);
std::vector<std::string> subcommands();

}  // namespace kiln::client
