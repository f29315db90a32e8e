#include "client/cli/render_log.h"

#include <nlohmann/json.hpp>

#include "client/cli/table.h"
#include "client/cli/units.h"

namespace kiln::client {
namespace {

std::string note_of(const Json& part) {
  const auto left = number_of(part, "left_ms");
  return left == 0 ? "" : text_of(part, "then") + " again in " + show_milliseconds(left);
}

}  // namespace

Rendered render_log(const Json& answer, const RenderOptions& options) {
  Table table({{"LOG OF"}, {"PART"}, {"LEVEL"}, {"", Align::left, true}});
  std::string problems;
  bool ok = true;
  for (const Json& log : member(answer, "logs")) {
    const std::string target = text_of(log, "target");
    if (const std::string problem = text_of(log, "error"); problem != "-") {
      problems += wrap(target + ": " + problem, 2, options.width) + "\n";
      ok = false;
    }
    for (const Json& part : member(log, "parts")) {
      table.add({target, text_of(part, "part"), text_of(part, "level"), note_of(part)});
    }
  }
  return {(table.empty() ? "" : table.text(options.width)) + problems, ok};
}

}  // namespace kiln::client
