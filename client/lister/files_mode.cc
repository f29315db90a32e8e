#include "client/lister/files_mode.h"

#include "client/arguments/option_table.h"
#include "client/lister/make_rule.h"

namespace kiln::client {
namespace {

// Options that name an output or a stage, or that write a depfile of their own.
bool is_about_output(Effect effect) {
  switch (effect) {
    case Effect::object_stage:
    case Effect::assembly_stage:
    case Effect::output:
    case Effect::depfile:
    case Effect::depfile_name:
    case Effect::depfile_detail:
    case Effect::preprocessor:
    case Effect::coverage_notes:
    case Effect::split_dwarf:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<std::string> files_mode_argv(const std::vector<std::string>& expanded) {
  std::vector<std::string> argv = {expanded.front(), "-M", "-MT", std::string(kRuleTarget), "-v"};
  for (const Argument& argument : cut_arguments(expanded)) {
    // -H would mix a list of headers into what -v says.
    if (argument.text == "-H") continue;
    if (argument.option != nullptr && is_about_output(argument.option->effect)) continue;
    for (std::size_t i = 0; i < argument.count; ++i) argv.push_back(expanded[argument.index + i]);
  }
  return argv;
}

}  // namespace kiln::client
