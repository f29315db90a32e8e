#include "client/toolchain/compiler.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "client/paths/program.h"
#include "client/toolchain/ask.h"
#include "client/toolchain/elf.h"

namespace kiln::client {
namespace {

// Programs that go by a compiler's name and start another one.
constexpr std::array<std::string_view, 8> kWrappers = {
    "ccache", "distcc", "icecc", "sccache", "gomacc", "colorgcc", "fbuild", "buildcache"};

// PATH and LD_LIBRARY_PATH: what is found; COMPILER_PATH and so on: gcc's helpers; HOME: clang's
// configuration; the rest: language and time.
constexpr std::array<std::string_view, 10> kRelevant = {
    "PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "LIBRARY_PATH", "LD_LIBRARY_PATH",
    "HOME", "LANG",          "LANGUAGE",        "LOCPATH",      "TZ"};

Compiler unsupported(Compiler compiler, std::string word, std::string explanation) {
  compiler.unsupported = std::move(word);
  compiler.explanation = compiler.program + " " + std::move(explanation) + "; it runs locally";
  return compiler;
}

// Fills in what the compiler says of itself.
Result<Compiler> interview(Compiler compiler, const ToolchainQuery& query) {
  KILN_TRY_ASSIGN(const CommandOutput output, ask(compiler.program, {"--version"}, query));
  const std::string& text = output.stdout_text;
  const bool is_clang = text.find("clang version") != std::string::npos;
  const bool is_gcc = text.find("Free Software Foundation") != std::string::npos;
  const auto target = ask_line(compiler.program, "-dumpmachine", query);
  if (!target && is_passing(target.error())) return fail(target.error());
  // Killed, by want of memory perhaps: that says nothing of what it is.
  if (output.signal != 0)
    return fail(Errc::unavailable, compiler.program + " --version was killed by signal " +
                                       std::to_string(output.signal));
  if (!output.succeeded() || (!is_clang && !is_gcc) || !target || target->empty()) {
    return unsupported(
        std::move(compiler), "unknown_compiler",
        "says neither that it is gcc nor clang (asked with --version, -dumpmachine)");
  }
  compiler.family = is_clang ? CompilerFamily::clang : CompilerFamily::gcc;
  compiler.version = text.substr(0, text.find('\n'));
  compiler.target = *target;
  return compiler;
}

}  // namespace

Result<Compiler> identify(const ToolchainQuery& query) {
  KILN_TRY_ASSIGN(const FoundProgram found,
                  find_program(query.command, query.cwd, query.environment, query.self));
  Compiler compiler;
  compiler.program = found.path;
  std::error_code code;
  const auto real_path = std::filesystem::canonical(found.path, code);
  if (code) return fail_errno("cannot follow the symlinks of " + found.path, code.value());
  compiler.real_path = real_path.string();
  if (std::find(kWrappers.begin(), kWrappers.end(), real_path.filename().string()) !=
      kWrappers.end()) {
    return unsupported(std::move(compiler), "wrapper", "is a link to " + real_path.string());
  }
  KILN_TRY_ASSIGN(const ProgramFile file, inspect_program(compiler.real_path));
  if (file.kind == ProgramKind::script) {
    return unsupported(std::move(compiler), "script", "is a script, whose needs are not known");
  }
  if (file.kind == ProgramKind::other) {
    return unsupported(std::move(compiler), "not_elf", "is not an ELF executable");
  }
  compiler.architecture = file.architecture;
  return interview(std::move(compiler), query);
}

Environment relevant_environment(const Environment& environment) {
  Environment relevant;
  for (const auto& variable : environment) {
    const bool is_named =
        std::find(kRelevant.begin(), kRelevant.end(), variable.first) != kRelevant.end();
    if (is_named || variable.first.starts_with("LC_")) relevant.push_back(variable);
  }
  std::sort(relevant.begin(), relevant.end());
  return relevant;
}

}  // namespace kiln::client
