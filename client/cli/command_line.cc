#include "client/cli/command_line.h"

#include "client/cli/log_words.h"
#include "client/cli/node_words.h"
#include "client/cli/pool_words.h"
#include "client/cli/top_words.h"
#include "client/cli/trace_words.h"
#include "client/cli/word_reader.h"
#include "client/launcher/invocation.h"

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;

Result<PeopleCommand> wrong(std::string text, const std::string& near) {
  if (!near.empty()) text += "; did you mean '" + near + "'?";
  return fail(Errc::invalid_argument, text + " (kiln --help lists everything)");
}

bool is_of_later_version(const std::string& word) {
  return word == "toolchain";
}

// "--input PATH" and "--input=PATH": takes the value and moves `at` to the last word used.
Result<std::string> option_value(const Words& words, std::size_t& at, const std::string& option) {
  const std::string& word = words[at];
  if (word.size() > option.size()) return word.substr(option.size() + 1);
  if (at + 1 < words.size() && words[at + 1] != "--") return words[++at];
  return fail(Errc::invalid_argument, "kiln run: " + option + " needs a path after it");
}

bool is_option(const std::string& word, const std::string& option) {
  return word == option || word.starts_with(option + "=");
}

// Options end at "--" or at the first word that is none.
Result<PeopleCommand> parse_run(const Words& words) {
  PeopleCommand line;
  line.kind = PeopleCommand::Kind::run;
  std::size_t at = 1;
  for (; at < words.size() && words[at].starts_with('-'); ++at) {
    const std::string& word = words[at];
    if (word == "--") {
      ++at;
      break;
    }
    if (word == "--help" || word == "-h") return PeopleCommand{};
    if (is_option(word, "--input")) {
      KILN_TRY_ASSIGN(std::string value, option_value(words, at, "--input"));
      line.inputs.push_back(std::move(value));
    } else if (is_option(word, "--output")) {
      KILN_TRY_ASSIGN(std::string value, option_value(words, at, "--output"));
      line.outputs.push_back(std::move(value));
    } else {
      return wrong("kiln run: unknown option '" + word + "'",
                   nearest_word(word, {"--input", "--output", "--help"}));
    }
  }
  line.command.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
  if (!line.command.empty()) return line;
  return fail(Errc::invalid_argument,
              "kiln run: no command; write it after --, as in "
              "kiln run --input a.txt -- sort a.txt");
}

Result<PeopleCommand> parse_keys(const Words& words) {
  PeopleCommand line;
  line.name = words.front();
  if (asks_for_help(words)) return line;
  line.kind = PeopleCommand::Kind::keys;
  KILN_TRY_ASSIGN(line.keys, parse_key_words(words));
  return line;
}

Status check_arguments(const PeopleCommand& line) {
  const Words& given = line.arguments;
  if (line.name == "why") {
    if (given.size() == 1) return {};
    return fail(Errc::invalid_argument, "kiln why: name one file, as in kiln why src/main.c");
  }
  if (line.name == "agent") {
    if (given == Words{"stop"}) return {};
    return fail(Errc::invalid_argument, "kiln agent: the one thing it can do is kiln agent stop");
  }
  // The doctor may be told which compiler to examine.
  const std::size_t most = line.name == "doctor" ? 1 : 0;
  if (given.size() <= most) return {};
  return fail(Errc::invalid_argument,
              "kiln " + line.name + ": unexpected argument '" + given[most] + "'");
}

Result<PeopleCommand> parse_ask(const std::string& name, const Words& words) {
  PeopleCommand line;
  line.kind = PeopleCommand::Kind::ask;
  line.name = name;
  bool only_arguments = false;
  for (std::size_t at = 1; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (only_arguments || word.size() < 2 || word.front() != '-') {
      line.arguments.push_back(word);
    } else if (word == "--") {
      only_arguments = true;
    } else if (word == "--json") {
      line.json = true;
    } else if (word == "--help" || word == "-h") {
      return PeopleCommand{};
    } else {
      return wrong("kiln " + words.front() + ": unknown option '" + word + "'",
                   nearest_word(word, {"--json", "--help"}));
    }
  }
  KILN_TRY(check_arguments(line));
  return line;
}

}  // namespace

Result<PeopleCommand> parse_people_command(const Words& words) {
  if (words.empty()) return PeopleCommand{};
  const std::string& first = words.front();
  if (first == "--help" || first == "-h" || first == "help") return PeopleCommand{};
  if (first == "--version") {
    if (asks_for_help(words)) return PeopleCommand{};
    KILN_TRY_ASSIGN(PeopleCommand line, parse_ask("version", words));
    line.kind = PeopleCommand::Kind::version;
    return line;
  }
  if (first == "-j") return parse_ask("jobs", words);
  if (first == "run") return parse_run(words);
  if (first == "pools" || first == "pool" || first == "warm") return parse_pool_words(words);
  if (first == "keys") return parse_keys(words);
  if (first == "trace") return parse_trace_words(words);
  if (first == "top") return parse_top_words(words);
  if (first == "log") return parse_log_words(words);
  if (first == "drain" || first == "resume") return parse_node_words(words);
  if (first == "--json") {
    return fail(Errc::invalid_argument, "--json goes after the command, as in kiln status --json");
  }
  if (is_of_later_version(first)) {
    return fail(Errc::invalid_argument, "kiln " + first + ": not in this version of Kiln");
  }
  if (is_subcommand(first)) return parse_ask(first, words);
  Words known = subcommands();
  known.insert(known.end(), {"--help", "--version", "--json", "-j"});
  const std::string kind = first.starts_with('-') ? "option" : "command";
  return wrong("unknown " + kind + " '" + first + "'", nearest_word(first, known));
}

}  // namespace kiln::client
