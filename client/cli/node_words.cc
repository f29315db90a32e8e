#include "client/cli/node_words.h"

#include "client/cli/word_reader.h"
#include "common/config/units.h"

namespace kiln::client {

Result<PeopleCommand> parse_node_words(const std::vector<std::string>& words) {
  PeopleCommand line;
  if (asks_for_help(words)) return line;
  line.kind = PeopleCommand::Kind::ask;
  line.name = words.front();
  line.waits = true;
  WordReader reader("kiln " + line.name, words, 1);
  while (!reader.done()) {
    const std::string option = reader.option();
    if (option.empty()) {
      line.arguments.push_back(reader.take());
    } else if (option == "--json") {
      line.json = true;
      reader.take();
    } else if (option == "--no-wait") {
      line.waits = false;
      reader.take();
    } else if (option == "--timeout") {
      KILN_TRY_ASSIGN(const std::string text, reader.value());
      auto limit = config::parse_duration(text);
      if (!limit) return fail(reader.wrong("--timeout: " + limit.error().message));
      line.timeout = *limit;
    } else {
      return fail(reader.unknown({"--json", "--no-wait", "--timeout", "--help"}));
    }
  }
  if (line.arguments.size() == 1) return line;
  return fail(
      reader.wrong("name one node, as in kiln " + line.name + " build7; kiln nodes lists them"));
}

}  // namespace kiln::client
