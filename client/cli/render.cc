#include "client/cli/render.h"

#include <array>
#include <cstddef>
#include <ctime>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/cli/answer_text.h"
#include "client/cli/render_log.h"
#include "client/cli/render_pools.h"
#include "client/cli/table.h"
#include "client/cli/units.h"

namespace kiln::client {
namespace {

std::string coordinator_line(const Json& one, const RenderOptions& options) {
  std::string text = text_of(one, "endpoint") + "  " + text_of(one, "state");
  if (const std::string version = text_of(one, "version"); version != "-") {
    text += ", version " + version;
  }
  if (const std::string reason = text_of(one, "reason"); reason != "-") text += ": " + reason;
  return line("coordinator", text, options);
}

std::string farm_text(const Json& farm) {
  if (!farm.is_object()) return "unknown";
  return count(number_of(farm, "nodes"), "node") + " (" +
         std::to_string(number_of(farm, "ready_nodes")) + " ready), " +
         count(number_of(farm, "slots"), "slot") + ", " + std::to_string(number_of(farm, "busy")) +
         " busy, " + std::to_string(number_of(farm, "queued")) + " queued";
}

Rendered render_status(const Json& answer, const RenderOptions& options) {
  const Json& agent = member(answer, "agent");
  Rendered result;
  std::string& text = result.text;
  text += line("agent",
               "pid " + text_of(agent, "pid") + ", up " +
                   show_milliseconds(number_of(agent, "uptime_s") * 1000) + ", " +
                   count(number_of(agent, "calls_active"), "active call"),
               options);
  text += line("version", text_of(answer, "version"), options);
  text += line("mode", text_of(agent, "mode"), options);
  text += line("socket", text_of(agent, "socket"), options);
  const Json& coordinators = member(answer, "coordinators");
  if (coordinators.empty()) text += line("coordinator", "none", options);
  for (const Json& one : coordinators) text += coordinator_line(one, options);
  text += line("farm", farm_text(member(answer, "farm")), options);
  const bool possible = is_true(answer, "remote_possible");
  const std::string reason = text_of(answer, "reason");
  const std::string verdict = possible ? "yes" : "no";
  // Coloured after the layout, which counts characters.
  std::string last = line("remote", reason == "-" ? verdict : verdict + ": " + reason, options);
  last.replace(kLabelWidth, verdict.size(), painted(verdict, possible, options));
  text += last;
  return result;
}

// What selectors of pools go by, of each node that has any.
std::string labels_text(const Json& nodes, const RenderOptions& options) {
  std::string text;
  for (const Json& node : nodes) {
    const Json& labels = member(node, "labels");
    if (!labels.is_object() || labels.empty()) continue;
    std::string all;
    for (const auto& [name, value] : labels.items()) {
      const std::string shown_value = shown(value);
      all += (all.empty() ? "" : ", ") + name + (shown_value == "-" ? "" : "=" + shown_value);
    }
    text += "  " + wrap(text_of(node, "name") + ": " + all, 4, options.width) + "\n";
  }
  return text.empty() ? "" : "labels\n" + text;
}

// 1 is the reference; "-" of one that is gone, has not told yet, or never does.
std::string speed_of(const Json& node) {
  const bool told = real_of(node, "core_speed") > 0 && text_of(node, "state") != "lost";
  return told ? text_of(node, "core_speed") : "-";
}

// On narrow terminals names and addresses are worth more.
constexpr std::size_t kSpeedFrom = 100;  // columns
constexpr std::ptrdiff_t kSpeedPlace = 6;

Rendered render_nodes(const Json& answer, const RenderOptions& options) {
  const bool with_speed = options.width >= kSpeedFrom;
  std::vector<Column> columns = {{"NAME", Align::left, true},     {"STATE", Align::left, false},
                                 {"SLOTS", Align::right, false},  {"RUN", Align::right, false},
                                 {"QUEUED", Align::right, false}, {"LOAD", Align::right, false},
                                 {"SPEED", Align::right, false},  {"FREE MEM", Align::right, false},
                                 {"DONE", Align::right, false},   {"FAILED", Align::right, false},
                                 {"ADDRESS", Align::left, true}};
  if (!with_speed) columns.erase(columns.begin() + kSpeedPlace);
  Table table(columns);
  for (const Json& node : member(answer, "nodes")) {
    std::vector<std::string> row = {text_of(node, "name"),
                                    text_of(node, "state"),
                                    text_of(node, "slots"),
                                    text_of(node, "running"),
                                    text_of(node, "queued"),
                                    text_of(node, "load"),
                                    speed_of(node),
                                    bytes_of(node, "memory_available_bytes"),
                                    text_of(node, "completed"),
                                    text_of(node, "failed"),
                                    without_scheme(text_of(node, "address"))};
    if (!with_speed) row.erase(row.begin() + kSpeedPlace);
    table.add(std::move(row));
  }
  if (table.empty()) return {"no nodes\n", true};
  return {table.text(options.width) + labels_text(member(answer, "nodes"), options), true};
}

Rendered render_tasks(const Json& answer, const RenderOptions& options) {
  Table table({{"NODE", Align::left, true},
               {"PHASE", Align::left, false},
               {"FOR", Align::right, false},
               {"TASK", Align::left, true}});
  for (const Json& task : member(answer, "tasks")) {
    table.add({text_of(task, "node"), text_of(task, "phase"), milliseconds_of(task, "phase_ms"),
               text_of(task, "label")});
  }
  if (table.empty()) return {"no tasks\n", true};
  return {table.text(options.width), true};
}

std::string reasons_text(const Json& reasons) {
  if (!reasons.is_object()) return "";
  std::string text;
  for (const auto& [word, number] : reasons.items()) {
    if (!text.empty()) text += ", ";
    text += word + " " + shown(number);
  }
  return text;
}

Rendered render_stats(const Json& answer, const RenderOptions& options) {
  Rendered result;
  result.text = line("calls", text_of(answer, "calls"), options);
  for (const char* name : {"remote", "local", "fallback", "failed", "retried"}) {
    const Json& counter = member(answer, name);
    std::string text = text_of(counter, "total");
    if (const auto reasons = reasons_text(member(counter, "reasons")); !reasons.empty()) {
      text += " (" + reasons + ")";
    }
    result.text += line(name, text, options);
  }
  result.text += line("client CPU", text_of(answer, "client_cpu_seconds") + " s", options);
  result.text += line("sent", bytes_of(answer, "bytes_sent"), options);
  result.text += line("received", bytes_of(answer, "bytes_received"), options);
  return result;
}

std::string local_time(const Json& answer) {
  const auto when = static_cast<std::time_t>(number_of(answer, "when"));
  std::tm parts{};
  std::array<char, 64> buffer{};
  if (when == 0 || ::localtime_r(&when, &parts) == nullptr) return "-";
  std::strftime(buffer.data(), buffer.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return buffer.data();
}

std::string phases_text(const Json& phases) {
  std::string text;
  for (const char* name : {"list", "acquire", "queue", "root", "run", "transfer"}) {
    const std::string shown_time = milliseconds_of(phases, (std::string(name) + "_ms").c_str());
    if (shown_time == "-") continue;
    text += (text.empty() ? "" : ", ") + std::string(name) + " " + shown_time;
  }
  return text.empty() ? "-" : text;
}

Rendered render_why(const Json& answer, const RenderOptions& options) {
  Rendered result;
  result.text = line("file", text_of(answer, "file"), options);
  result.ok = is_true(answer, "found");
  if (!result.ok) {
    result.text += line("ran", "not that this agent remembers", options);
    return result;
  }
  const std::string ran = text_of(answer, "ran");
  std::string where = ran == "remote"  ? "remotely"
                      : ran == "local" ? "locally"
                                       : "nowhere: it failed";
  if (const auto node = text_of(answer, "node"); node != "-") where += " on " + node;
  result.text += line("ran", where, options);
  result.text += line("because", text_of(answer, "reason"), options);
  if (const auto detail = text_of(answer, "detail"); detail != "-")
    result.text += line("", detail, options);
  result.text += line("when", local_time(answer), options);
  result.text += line("took", milliseconds_of(answer, "wall_ms"), options);
  result.text += line("phases", phases_text(member(answer, "phases")), options);
  for (const Json& attempt : member(answer, "attempts")) {
    result.text +=
        line("attempt", text_of(attempt, "node") + ": " + text_of(attempt, "outcome"), options);
  }
  return result;
}

Rendered render_builds(const Json& answer, const RenderOptions& options) {
  Table table({{"BUILD", Align::left, true},
               {"JOBS", Align::right, false},
               {"REMOTE", Align::right, false},
               {"LOCAL", Align::right, false},
               {"FALLBACK", Align::right, false},
               {"FAILED", Align::right, false},
               {"WALL", Align::right, false},
               {"BEGAN", Align::left, true}});
  for (const Json& build : member(answer, "builds")) {
    table.add({text_of(build, "name"), text_of(build, "jobs"), text_of(build, "remote"),
               text_of(build, "local"), text_of(build, "fallback"), text_of(build, "failed"),
               milliseconds_of(build, "wall_ms"), local_time(build)});
  }
  if (table.empty()) return {"no builds that this agent remembers\n", true};
  return {table.text(options.width), true};
}

Rendered render_config(const Json& answer, const RenderOptions& options) {
  Table table(
      {{"SETTING", Align::left, true}, {"VALUE", Align::left, true}, {"FROM", Align::left, true}});
  for (const Json& setting : member(answer, "settings")) {
    table.add({text_of(setting, "name"), text_of(setting, "value"), text_of(setting, "source")});
  }
  Rendered result{table.text(options.width), true};
  for (const Json& setting : member(answer, "settings")) {
    const std::string pending = text_of(setting, "pending");
    if (pending == "-") continue;
    result.text += wrap("The agent was started with another " + text_of(setting, "name") +
                            "; to use " + pending + ": kiln agent stop",
                        0, options.width) +
                   "\n";
  }
  return result;
}

Rendered render_doctor(const Json& answer, const RenderOptions& options) {
  Rendered result;
  std::size_t wrong = 0;
  for (const Json& check : member(answer, "checks")) {
    const bool ok = is_true(check, "ok");
    const std::string verdict = ok ? "ok" : "wrong";
    std::string first =
        line(verdict, text_of(check, "name") + ": " + text_of(check, "detail"), options);
    first.replace(0, verdict.size(), painted(verdict, ok, options));
    result.text += first;
    if (ok) continue;
    ++wrong;
    result.text += line("  to mend", text_of(check, "mend"), options);
  }
  result.ok = wrong == 0;
  result.text += result.ok ? "everything is well\n"
                           : count(wrong, "thing") + (wrong == 1 ? " is" : " are") + " wrong\n";
  return result;
}

// What is asked for has come about, or was only ordered.
Rendered render_node_change(std::string_view name, const Json& answer,
                            const RenderOptions& options) {
  const std::string node = text_of(answer, "node");
  const std::string state = text_of(answer, "state");
  std::string text = node + " takes tasks again";
  if (name == "drain" && state == "gone") {
    text = node + " has left the farm";
  } else if (name == "drain") {
    const auto under_way = number_of(answer, "running") + number_of(answer, "queued");
    text = node + " takes no new tasks until kiln resume " + node + "; ";
    text += under_way == 0
                ? "none is left there"
                : count(under_way, "task") + (under_way == 1 ? " is" : " are") + " still there";
  } else if (state != "ready") {
    text = node + " was told to take tasks again";
  }
  return {wrap(text, 0, options.width) + "\n", true};
}

Rendered render_object(std::string_view name, const Json& answer, const RenderOptions& options) {
  if (name == "status") return render_status(answer, options);
  if (name == "nodes") return render_nodes(answer, options);
  if (name == "tasks") return render_tasks(answer, options);
  if (name == "stats") return render_stats(answer, options);
  if (name == "why") return render_why(answer, options);
  if (name == "trace") return render_builds(answer, options);
  if (name == "config") return render_config(answer, options);
  if (name == "doctor") return render_doctor(answer, options);
  if (name == "pools") return render_pools(answer, options);
  if (name == "pool") return render_pool(answer, options);
  if (name == "warm") return render_warmed(answer, options);
  if (name == "drain" || name == "resume") return render_node_change(name, answer, options);
  if (name == "log") return render_log(answer, options);
  if (name == "jobs") return {text_of(answer, "jobs") + "\n", true};
  return {answer.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", true};
}

Json parse(std::string_view text) {
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

Result<Rendered> render(std::string_view name, std::string_view json,
                        const RenderOptions& options) {
  const Json answer = parse(json);
  if (!answer.is_object()) {
    return fail(Errc::corrupt, "the agent's answer to '" + std::string(name) +
                                   "' is no JSON object; is it of another version? Try "
                                   "kiln agent stop");
  }
  return render_object(name, answer, options);
}

std::string json_object(std::string_view name, long number) {
  return Json{{std::string(name), number}}.dump();
}

std::string doctor_without_agent(std::string_view why) {
  const Json check = {{"name", "agent"},
                      {"ok", false},
                      {"detail", std::string(why)},
                      {"mend", "mend what it names; kiln --help lists the settings"}};
  // A path in it may be of any bytes.
  return Json{{"checks", {check}}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_object(std::string_view name, std::string_view text) {
  return Json{{std::string(name), std::string(text)}}.dump();
}

}  // namespace kiln::client
