#include "client/cli/node_words.h"

#include "client/cli/word_reader.h"
#include "common/config/units.h"

namespace kiln::client {

Result<PeopleCommand> parse_node_words(const std::vector<std::string>& words) {
  PeopleCommand line;
  line.name = words.front();
  if (asks_for_help(words)) return line;
  line.kind = PeopleCommand::Kind::ask;
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

std::string_view node_help(std::string_view command) {
  if (command == "drain") {
    return R"(Keeps new tasks from a node and waits until what runs there has ended, so that
its machine can be changed or switched off. Agents that hold leases for it are
sent on to other nodes: no job fails.

usage: kiln drain NODE [--no-wait] [--timeout TIME] [--json]

  --no-wait           end as soon as the node has been told
  --timeout TIME      wait at most so long (5m); then end with 1

kiln resume NODE gives it tasks again, and so does a restart of its worker.
Where the farm has keys, both take the key of an administrator.
)";
  }
  if (command != "resume") return "";
  return R"(Gives a node tasks again that kiln drain took out of service, and waits until
it is ready for them.

usage: kiln resume NODE [--no-wait] [--timeout TIME] [--json]

  --no-wait           end as soon as the node has been told
  --timeout TIME      wait at most so long (5m); then end with 1

Where the farm has keys, it takes the key of an administrator.
)";
}

}  // namespace kiln::client
