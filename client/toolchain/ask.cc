#include "client/toolchain/ask.h"

#include <utility>

namespace kiln::client {
namespace {

constexpr seconds kDeadline{20};

bool is_locale_variable(const std::string& name) {
  return name == "LANG" || name == "LANGUAGE" || name.starts_with("LC_");
}

}  // namespace

Result<CommandOutput> ask(const std::string& program, const std::vector<std::string>& arguments,
                          const ToolchainQuery& query) {
  CommandSpec spec;
  spec.program = program;
  spec.argv = {program};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.environment = {{"LC_ALL", "C"}};
  for (const auto& variable : relevant_environment(query.environment)) {
    if (!is_locale_variable(variable.first)) spec.environment.push_back(variable);
  }
  spec.cwd = query.cwd;
  spec.deadline = kDeadline;
  KILN_TRY_ASSIGN(CommandOutput output, run_command(spec));
  if (!output.timed_out) return output;
  return fail(Errc::timed_out, program + " did not answer " + spec.argv.back() + " within 20 s");
}

bool is_passing(const Error& error) {
  return error.code == Errc::timed_out || error.code == Errc::unavailable ||
         error.code == Errc::io || error.code == Errc::resource_exhausted;
}

Result<std::string> ask_line(const std::string& program, const std::string& argument,
                             const ToolchainQuery& query) {
  KILN_TRY_ASSIGN(const CommandOutput output, ask(program, {argument}, query));
  if (output.succeeded()) return output.stdout_text.substr(0, output.stdout_text.find('\n'));
  return fail(Errc::unsupported, program + " " + argument + " failed: " + output.stderr_text);
}

}  // namespace kiln::client
