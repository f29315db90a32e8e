#include "client/cli/trace_words.h"

#include "client/cli/word_reader.h"

namespace kiln::client {

Result<PeopleCommand> parse_trace_words(const std::vector<std::string>& words) {
  PeopleCommand line;
  if (asks_for_help(words)) return line;
  line.kind = PeopleCommand::Kind::ask;
  line.name = words.front();
  WordReader reader("kiln trace", words, 1);
  bool lists = false;
  while (!reader.done()) {
    const std::string option = reader.option();
    if (option.empty()) {
      line.arguments.push_back(reader.take());
    } else if (option == "--json") {
      line.json = true;
      reader.take();
    } else if (option == "--list") {
      lists = true;
      reader.take();
    } else {
      return fail(reader.unknown({"--json", "--list", "--help"}));
    }
  }
  if (line.arguments.size() > (lists ? 0U : 1U)) {
    return fail(reader.wrong("unexpected argument '" + line.arguments.back() +
                             "'; name one build, or --list"));
  }
  line.arguments.insert(line.arguments.begin(), lists ? "list" : "show");
  return line;
}

}  // namespace kiln::client
