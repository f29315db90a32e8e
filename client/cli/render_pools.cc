#include "client/cli/render_pools.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "client/cli/pool_node.h"
#include "client/cli/pool_sums.h"
#include "client/cli/table.h"
#include "client/cli/units.h"
#include "common/model/pool.h"

namespace kiln::client {
namespace {

// What they lack together, where each has what is wanted of it.
std::string lack_of_all(const Json& pool, std::uint64_t asked) {
  std::uint64_t wanted = 0;
  std::uint64_t warm = 0;
  std::string lost;
  for (const Json& node : member(pool, "nodes")) {
    if (!lives(node)) {
      lost += (lost.empty() ? "" : ", ") + text_of(node, "node") + " is " + text_of(node, "state");
      continue;
    }
    wanted += number_of(node, "wanted");
    warm += warm_executors(node);
  }
  if (!lost.empty()) lost = " (" + lost + ")";
  if (count_nodes(pool, [](const Json&) { return true; }) == 0)
    return "a node that its selector allows" + lost;
  if (wanted == 0) return "a node that is asked for executors" + lost;
  if (warm >= asked) return "";
  return "nodes for the others: " + std::to_string(warm) + " of " + count(asked, "executor") +
         " ready" + lost;
}

std::string executors_text(const Json& pool) {
  const auto number = number_of(pool, "executors");
  return number == 0 ? "an executor a slot" : count(number, "executor") + " a node";
}

std::string state_text(const Json& node) {
  return lives(node) ? text_of(member(node, "pool"), "state") : text_of(node, "state");
}

// The context in force, where it is not the pool's own.
std::string note_of(const Json& pool, const Json& node) {
  const Json& there = member(node, "pool");
  std::string note = text_of(there, "reason");
  if (note == "-") note.clear();
  if (const auto broken = number_of(there, "broken"); broken > 0 && !is_broken(node)) {
    if (!note.empty()) note += "; ";
    note += count(broken, "executor") + (broken == 1 ? " is broken" : " are broken");
  }
  const std::string context = text_of(there, "context");
  if (const auto why = text_of(there, "fallback"); why != "-" && context != "-") {
    if (!note.empty()) note += "; ";
    note += context + " instead of " + text_of(pool, "context") + ": " + why;
  }
  return note;
}

// What the node's initializer wrote, without blank space behind it.
std::string output_of(const Json& node) {
  const Json& output = member(member(node, "pool"), "output");
  auto text = output.is_string() ? output.get<std::string>() : "";
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

// Where all went well the last line of it, once for all nodes that have the same.
std::string last_lines_text(const Json& pool, const RenderOptions& options) {
  std::map<std::string, std::vector<std::string>> nodes_of;
  for (const Json& node : member(pool, "nodes")) {
    const auto output = output_of(node);
    if (output.empty() || is_broken(node)) continue;
    std::string last = block(output.substr(output.rfind('\n') + 1), 0, SIZE_MAX);
    last.pop_back();  // its newline
    nodes_of[last].push_back(text_of(node, "node"));
  }
  std::string text;
  for (const auto& [last, nodes] : nodes_of) {
    std::string who = nodes.front();
    if (nodes.size() > 1) who += " and " + count(nodes.size() - 1, "more node");
    text += fit(who + ": the initializer's last line: " + last, options.width) + "\n";
  }
  return text;
}

std::string nodes_table(const Json& pool, const RenderOptions& options) {
  Table table({{"NODE", Align::left, true},
               {"STATE", Align::left, false},
               {"READY", Align::right, false},
               {"BUSY", Align::right, false},
               {"STAGE", Align::right, false},
               {"START", Align::right, false},
               {"INIT", Align::right, false},
               {"TASKS", Align::right, false},
               {"WARM", Align::right, false}});
  std::string notes;
  for (const Json& node : member(pool, "nodes")) {
    const Json& there = member(node, "pool");
    table.add({text_of(node, "node"), state_text(node),
               text_of(there, "ready") + "/" + text_of(there, "executors"), text_of(there, "busy"),
               step_text(there, "stage_ms"), step_text(there, "start_ms"),
               step_text(there, "initialise_ms"), text_of(there, "tasks"),
               text_of(there, "warm_hits")});
    if (const auto note = note_of(pool, node); !note.empty())
      notes += wrap(text_of(node, "node") + ": " + note, 2, options.width) + "\n";
    const auto output = is_broken(node) ? output_of(node) : "";
    if (!output.empty()) notes += "  its initializer wrote:\n" + block(output, 4, options.width);
  }
  if (table.empty()) return "no node is selected\n";
  return table.text(options.width) + notes + last_lines_text(pool, options);
}

// The command that makes the same pool, to be given to a shell: as many options a line as fit.
std::string creation_text(const Json& pool, const RenderOptions& options) {
  const std::string indent(kLabelWidth, ' ');
  // Each line but the last ends with " \\".
  const std::size_t room = options.width - std::min(options.width, kLabelWidth + 2);
  std::string text;
  std::string row = "kiln pool create " + text_of(pool, "name");
  for (const Json& option : member(pool, "options")) {
    if (!option.is_array() || option.size() != 2) continue;
    const std::string words = shown(option[0]) + " " + for_shell(shown(option[1]));
    if (display_width(row) + 1 + display_width(words) <= room) {
      row += " " + words;
      continue;
    }
    text += row + " \\\n" + indent;
    row = "  " + words;
  }
  std::string label = "made by";
  label.resize(kLabelWidth, ' ');
  return label + text + row + "\n";
}

std::string definition_text(const Json& pool, const RenderOptions& options) {
  const std::string name = text_of(pool, "name");
  std::string out = line("pool",
                         name + ": " + pool_state(pool) + ", " + text_of(pool, "context") + ", " +
                             executors_text(pool),
                         options);
  for (const Json& toolchain : member(pool, "toolchains")) {
    out += line("toolchain",
                text_of(toolchain, "name") + " " + text_of(toolchain, "digest").substr(0, 12) +
                    " (" + text_of(toolchain, "architecture") + ")",
                options);
  }
  return name == kDefaultPool ? out : out + creation_text(pool, options);
}

std::string plan_text(const Json& plan, const RenderOptions& options) {
  if (!plan.is_object()) return "";
  std::string text = count(number_of(plan, "calls"), "call") + ", of which " +
                     std::to_string(number_of(plan, "travel")) + " travel";
  std::string reasons;
  const Json& local = member(plan, "local");
  if (local.is_object()) {
    for (const auto& [word, number] : local.items())
      reasons += (reasons.empty() ? "" : ", ") + word + " " + shown(number);
  }
  if (!reasons.empty()) text += "; here: " + reasons;
  return line("build", text, options);
}

// The default pool is for whatever comes.
bool holds(const Json& pool, const Json& toolchain) {
  if (text_of(pool, "name") == kDefaultPool) return true;
  const Json& own = member(pool, "toolchains");
  return std::any_of(own.begin(), own.end(), [&](const Json& one) {
    return text_of(one, "digest") == text_of(toolchain, "digest");
  });
}

std::string not_held_text(const Json& pool, const Json& toolchain) {
  const std::string name = text_of(toolchain, "name");
  return "the pool " + text_of(pool, "name") + " does not hold " + name +
         ": it is staged now, but nodes that join or restart get it at the first task only, and "
         "a " +
         "forkserver executes it; a pool made with --toolchain " + name + " holds it";
}

}  // namespace

Rendered render_pools(const Json& answer, const RenderOptions& options) {
  Table table({{"POOL", Align::left, true},
               {"STATE", Align::left, false},
               {"CONTEXT", Align::left, false},
               {"NODES", Align::right, false},
               {"BROKEN", Align::right, false},
               {"READY", Align::right, false},
               {"BUSY", Align::right, false},
               {"QUEUED", Align::right, false},
               {"TASKS", Align::right, false}});
  for (const Json& pool : member(answer, "pools")) {
    table.add({text_of(pool, "name"), pool_state(pool), text_of(pool, "context"),
               std::to_string(member(pool, "nodes").size()),
               std::to_string(count_nodes(pool, is_broken)),
               std::to_string(pool_sum(pool, "ready")), std::to_string(pool_sum(pool, "busy")),
               std::to_string(pool_sum(pool, "queued")), std::to_string(pool_sum(pool, "tasks"))});
  }
  if (table.empty()) return {"no pools\n", true};
  return {table.text(options.width), true};
}

Rendered render_pool(const Json& answer, const RenderOptions& options) {
  const Json& pool = first_pool(answer);
  if (!pool.is_object()) return {"the pool is gone\n", true};
  return {definition_text(pool, options) + nodes_table(pool, options),
          !warmth_of(answer, 0).broken};
}

Rendered render_warmed(const Json& answer, const RenderOptions& options) {
  Rendered result;
  result.text = plan_text(member(answer, "plan"), options);
  const Json& pool = first_pool(answer);
  if (!pool.is_object()) {
    result.text += "nothing of this build travels: nothing was warmed\n";
    return result;
  }
  for (const Json& toolchain : member(answer, "toolchains")) {
    result.text += line(
        "build needs",
        text_of(toolchain, "name") + " " + text_of(toolchain, "digest").substr(0, 12), options);
    if (!holds(pool, toolchain)) result.text += line("", not_held_text(pool, toolchain), options);
  }
  Rendered nodes = render_pool(answer, options);
  result.text += nodes.text;
  result.ok = nodes.ok;
  return result;
}

Warmth warmth_of(const Json& answer, std::uint64_t asked) {
  Warmth warmth;
  const Json& pool = first_pool(answer);
  for (const Json& node : member(pool, "nodes")) {
    if (!lives(node)) continue;
    if (is_broken(node) && is_true(node, "answered")) {
      warmth.broken = true;
      continue;
    }
    const std::string lack = lack_of(node);
    if (lack.empty()) continue;
    if (!warmth.waits_for.empty()) warmth.waits_for += "; ";
    warmth.waits_for += text_of(node, "node") + ": " + lack;
  }
  if (warmth.waits_for.empty() && !warmth.broken) warmth.waits_for = lack_of_all(pool, asked);
  warmth.settled = warmth.waits_for.empty();
  return warmth;
}

}  // namespace kiln::client
