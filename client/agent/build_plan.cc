#include "client/agent/build_plan.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "client/arguments/classify.h"
#include "client/arguments/response_file.h"
#include "client/paths/program.h"

namespace kiln::client {
namespace {

using nlohmann::json;

bool is_launcher(const std::string& word) {
  constexpr std::array<std::string_view, 5> kLaunchers = {"kiln", "ccache", "distcc", "icecc",
                                                          "sccache"};
  const std::string name = std::filesystem::path(word).filename().string();
  return std::find(kLaunchers.begin(), kLaunchers.end(), name) != kLaunchers.end();
}

// Nothing: the entry has neither of the two.
std::vector<std::string> argv_of(const json& entry) {
  std::vector<std::string> argv;
  if (const auto words = entry.find("arguments"); words != entry.end() && words->is_array()) {
    for (const auto& word : *words) argv.push_back(word.is_string() ? word : "");
  } else if (const auto line = entry.find("command"); line != entry.end() && line->is_string()) {
    argv = split_response_text(line->get_ref<const std::string&>());
  }
  while (argv.size() > 1 && is_launcher(argv.front())) argv.erase(argv.begin());
  return argv;
}

void add(const json& entry, const Environment& environment, const FileSystem& files,
         BuildPlan& plan) {
  ++plan.calls;
  const auto argv = argv_of(entry);
  const auto directory = entry.find("directory");
  if (argv.empty() || directory == entry.end() || !directory->is_string()) {
    ++plan.local["not_understood"];
    return;
  }
  if (!is_compiler_name(argv.front())) {
    ++plan.local["not_a_compiler"];
    return;
  }
  const bool clang = argv.front().find("clang") != std::string::npos;
  const CompilerCall call{argv, argv.front(), directory->get<std::string>(), environment,
                          clang ? CompilerFamily::clang : CompilerFamily::gcc};
  const auto classified = classify(call, files);
  if (const auto* local = std::get_if<Local>(&classified)) {
    ++plan.local[local->reason];
    return;
  }
  ++plan.travel;
  auto& known = plan.compilers;
  if (std::find(known.begin(), known.end(), argv.front()) == known.end())
    known.push_back(argv.front());
}

}  // namespace

Result<BuildPlan> read_build_plan(const std::string& database, const Environment& environment,
                                  const FileSystem& files) {
  const json entries = json::parse(database, nullptr, /*allow_exceptions=*/false);
  if (!entries.is_array())
    return fail(Errc::invalid_argument, "not a compilation database: it is no JSON array");
  BuildPlan plan;
  for (const auto& entry : entries) {
    if (!entry.is_object())
      return fail(Errc::invalid_argument, "not a compilation database: an entry is no object");
    add(entry, environment, files, plan);
  }
  return plan;
}

}  // namespace kiln::client
