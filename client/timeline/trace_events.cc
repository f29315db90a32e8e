#include "client/timeline/trace_events.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/timeline/counters.h"
#include "client/timeline/lanes.h"
#include "client/timeline/pieces.h"

namespace kiln::client {
namespace {

using nlohmann::json;
using Row = Piece::Row;

constexpr int kClient = 1;  // as a process; nodes come after it, by name

struct RowKind {
  Row row;
  const char* name;
};
constexpr std::array<RowKind, 4> kClientRows = {{{Row::listing, "listing"},
                                                 {Row::returning, "return"},
                                                 {Row::here, "local"},
                                                 {Row::nowhere, "failed"}}};

double milliseconds_of(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Names of files may be of any bytes.
std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

const char* outcome_of(const CallRecord& call) {
  if (call.ran == CallRecord::Ran::remotely) return "remote";
  if (call.ran == CallRecord::Ran::nowhere) return "failed";
  return call.is_fallback ? "fallback" : "local";
}

json args_of_job(const Piece& piece) {
  const CallRecord& call = *piece.job->record;
  std::size_t attempts = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  for (const auto& unit : call.traces) {
    attempts += unit.attempts.size();
    for (const auto& attempt : unit.attempts) {
      bytes_in += attempt.bytes_in;
      bytes_out += attempt.bytes_out;
    }
  }
  json args = {{"file", call.file},     {"outcome", outcome_of(call)},
               {"reason", call.reason}, {"pool", call.pool.empty() ? "default" : call.pool},
               {"attempts", attempts},  {"bytes_in", bytes_in},
               {"bytes_out", bytes_out}};
  if (!call.detail.empty()) args["detail"] = call.detail;
  return args;
}

json args_of(const Piece& piece) {
  json args = piece.is_job ? args_of_job(piece) : json{{"file", piece.job->record->file}};
  if (piece.attempt == nullptr) return args;
  args["attempt"] = piece.number;
  args["ended"] = piece.attempt->outcome;
  if (piece.is_job) return args;
  args["bytes_in"] = piece.attempt->bytes_in;
  args["bytes_out"] = piece.attempt->bytes_out;
  return args;
}

class Writer {
 public:
  explicit Writer(const BuildTimeline& build) : build_(build) {
    for (const auto& job : build.jobs) {
      auto some = pieces_of(job, build.summary.begun);
      std::move(some.begin(), some.end(), std::back_inserter(pieces_));
    }
  }

  std::string write(const std::string& client) {
    // No displayTimeUnit: "ms" is what is meant without, and a Perfetto before 2022 takes all times
    // for milliseconds where it stands (google/perfetto issue 141).
    text_ = "{\"otherData\":" + text_of(about()) + ",\"traceEvents\":[\n";
    write_client(client);
    write_nodes();
    for (const auto& counted : count_states(pieces_)) write_counted(counted);
    text_ += "\n]}";
    return std::move(text_);
  }

 private:
  using Some = std::vector<const Piece*>;

  json about() const;
  void write_client(const std::string& client);
  void write_nodes();
  void write_row(const Some& pieces, const char* row, int process, std::size_t& threads);
  void write_piece(const Piece& piece, int process, std::size_t thread);
  void write_counted(const Counted& counted);
  void name_it(const char* what, int process, std::size_t thread, const std::string& name);
  void add(const json& event);

  const BuildTimeline& build_;
  std::vector<Piece> pieces_;
  std::string text_;
  bool first_ = true;
};

json Writer::about() const {
  const BuildSummary& summary = build_.summary;
  return {{"build", summary.name},
          {"when", summary.when},
          {"wall_ms", milliseconds_of(summary.ended - summary.begun)},
          {"jobs", summary.jobs()},
          {"remote", summary.remote},
          {"local", summary.local},
          {"fallback", summary.fallback},
          {"failed", summary.failed},
          {"forgotten", summary.forgotten},
          {"active", summary.active}};
}

void Writer::write_client(const std::string& client) {
  name_it("process", kClient, 0, "client " + client);
  std::size_t threads = 0;
  for (const auto& kind : kClientRows) {
    Some row;
    for (const auto& piece : pieces_) {
      if (piece.row == kind.row) row.push_back(&piece);
    }
    write_row(row, kind.name, kClient, threads);
  }
}

void Writer::write_nodes() {
  std::map<std::string, Some> nodes;
  for (const auto& piece : pieces_) {
    if (piece.row == Row::node) nodes[piece.attempt->node].push_back(&piece);
  }
  int process = kClient;
  for (const auto& [node, row] : nodes) {
    name_it("process", ++process, 0, "node " + node);
    std::size_t threads = 0;
    write_row(row, "slot", process, threads);
  }
}

void Writer::write_row(const Some& pieces, const char* row, int process, std::size_t& threads) {
  std::vector<Span> spans;
  for (const Piece* piece : pieces) spans.push_back(piece->span);
  const auto lanes = assign_lanes(spans);
  std::size_t count = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    count = std::max(count, lanes[i] + 1);
    write_piece(*pieces[i], process, threads + lanes[i] + 1);
  }
  for (std::size_t lane = 0; lane < count; ++lane)
    name_it("thread", process, threads + lane + 1, row + (" " + std::to_string(lane + 1)));
  threads += count;
}

void Writer::write_piece(const Piece& piece, int process, std::size_t thread) {
  const std::string& file = piece.job->record->file;
  const auto event = [&](const std::string& name, const char* category, const Span& span) {
    return json{{"name", name},     {"cat", category}, {"ph", "X"},
                {"ts", span.begin}, {"pid", process},  {"dur", span.end - span.begin},
                {"tid", thread}};
  };
  const char* category = piece.is_job ? "job" : piece.attempt != nullptr ? "attempt" : "client";
  json whole = event(file.substr(file.rfind('/') + 1), category, piece.span);
  whole["args"] = args_of(piece);
  add(whole);
  for (const auto& phase : piece.phases) add(event(phase.name, "phase", phase.span));
}

void Writer::write_counted(const Counted& counted) {
  json numbers;
  for (std::size_t i = 0; i < kStates.size(); ++i) numbers[kStates[i]] = counted.jobs[i];
  add({{"name", "jobs"}, {"ph", "C"}, {"ts", counted.at}, {"pid", kClient}, {"args", numbers}});
}

// Shown in the order of their numbers, and not of when something happened in them first.
void Writer::name_it(const char* what, int process, std::size_t thread, const std::string& name) {
  const std::string prefix = what;
  json event = {{"ph", "M"}, {"pid", process}, {"tid", thread}};
  event["name"] = prefix + "_name";
  event["args"] = {{"name", name}};
  add(event);
  event["name"] = prefix + "_sort_index";
  event["args"] = {{"sort_index", thread == 0 ? static_cast<std::size_t>(process) : thread}};
  add(event);
}

void Writer::add(const json& event) {
  if (!std::exchange(first_, false)) text_ += ",\n";
  text_ += text_of(event);
}

}  // namespace

std::string trace_events(const BuildTimeline& build, const std::string& client) {
  return Writer(build).write(client);
}

std::string build_list(const std::vector<BuildSummary>& builds) {
  json list = json::array();
  for (auto build = builds.rbegin(); build != builds.rend(); ++build) {
    list.push_back({{"name", build->name},
                    {"jobs", build->jobs()},
                    {"remote", build->remote},
                    {"local", build->local},
                    {"fallback", build->fallback},
                    {"failed", build->failed},
                    {"forgotten", build->forgotten},
                    {"active", build->active},
                    {"wall_ms", milliseconds_of(build->ended - build->begun)},
                    {"when", build->when}});
  }
  return text_of(json{{"builds", list}});
}

}  // namespace kiln::client
