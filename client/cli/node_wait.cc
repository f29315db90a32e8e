#include "client/cli/node_wait.h"

#include <nlohmann/json.hpp>

#include "client/cli/answer_text.h"
#include "client/cli/question.h"
#include "client/cli/table.h"
#include "client/cli/terminal_block.h"

namespace kiln::client {
namespace {

constexpr auto kInterval = milliseconds(100);

Json node_in(const Json& nodes, const std::string& name) {
  for (const Json& node : member(nodes, "nodes")) {
    if (text_of(node, "name") != name) continue;
    const std::string state = text_of(node, "state");
    return {{"node", name},
            {"state", state == "lost" ? "gone" : state},
            {"running", number_of(node, "running")},
            {"queued", number_of(node, "queued")}};
  }
  return {{"node", name}, {"state", "gone"}, {"running", 0}, {"queued", 0}};
}

bool is_done(const PeopleCommand& line, const Json& node) {
  const std::string state = text_of(node, "state");
  if (line.name == "resume") return state == "ready";
  if (state == "gone") return true;
  return state == "draining" && number_of(node, "running") + number_of(node, "queued") == 0;
}

std::string under_way(const Json& node) {
  return count(number_of(node, "running"), "task") + " running, " +
         std::to_string(number_of(node, "queued")) + " queued on " + text_of(node, "node");
}

Error end_of_waiting(const PeopleCommand& line, const Json& node, Errc code) {
  const std::string name = text_of(node, "node");
  std::string text = code == Errc::cancelled
                         ? "interrupted; "
                         : "not done after " +
                               std::to_string(static_cast<long>(in_seconds(line.timeout))) + " s; ";
  if (line.name == "drain") {
    text += under_way(node) + "; it takes no new tasks until kiln resume " + name;
  } else {
    text += name + " is " + text_of(node, "state") + "; its worker's log says why";
  }
  return {code, text};
}

}  // namespace

Result<std::string> wait_for_node(const PeopleCommand& line, const Caller& caller,
                                  const Interrupt& interrupt) {
  PeopleCommand question;
  question.name = "nodes";
  const TimePoint deadline = Clock::now() + line.timeout;
  TerminalBlock block(caller.environment);
  while (true) {
    KILN_TRY_ASSIGN(const auto text, ask(question, caller));
    const Json nodes = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    const Json node = node_in(nodes, line.arguments.front());
    if (!line.waits || is_done(line, node))
      return node.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (Clock::now() >= deadline) return fail(end_of_waiting(line, node, Errc::timed_out));
    block.show({fit(under_way(node), TerminalBlock::size().columns - 1)});
    if (interrupt.comes_within(kInterval)) return fail(end_of_waiting(line, node, Errc::cancelled));
  }
}

}  // namespace kiln::client
