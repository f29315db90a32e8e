// The words after `kiln` when they are a command for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/cli/key_words.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace kiln::client {

struct PeopleCommand {
  enum class Kind {
    ask,      // a command that the agent answers: name and arguments as in client/cli/README.md
    run,      // `kiln run`: command, inputs, outputs
    help,     // the text of --help; of one command: its name and, of `pool`, the action
    version,  // this program's version
    keys,     // `kiln keys`, which needs no agent
    top,      // `kiln top`, which asks again and again
  };
  Kind kind = Kind::help;
  bool json = false;
  std::string name;
  std::vector<std::string> arguments;
  std::vector<std::string> command;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  // Of a command about pools: until all that is wanted is ready, of drain until nothing runs on the
  // node, of resume until it takes tasks; at most so long.
  bool waits = false;
  std::uint64_t warm = 0;  // executors that it then waits for; 0: every one
  std::string brings;      // the toolchains that are packaged and brought before the answer comes
  Duration timeout = std::chrono::minutes(5);
  Duration interval = std::chrono::seconds(1);  // of top, between two looks
  KeyCommand keys;
};

// Errc::invalid_argument names the word that is wrong, and the nearest right one.
Result<PeopleCommand> parse_people_command(const std::vector<std::string>& words);

// What --help prints, at most 80 columns: of `line` when it is about one command that has a text of
// its own, else of them all.
std::string help_text(const PeopleCommand& line);

}  // namespace kiln::client
