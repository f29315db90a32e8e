#include "worker/executor/proof.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace kiln::worker {
namespace {

constexpr const char* kProbeObject = "/tmp/kiln-probe.o";
constexpr std::uint64_t kProbeMs = 20'000;

RunRequest probe(const HeldProgram& program, std::vector<std::string> arguments) {
  RunRequest request;
  request.program = program.program;
  request.argv = {program.program};
  request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
  request.environment = {{"PATH", "/usr/bin:/bin"}};
  request.cwd = "/";
  request.lowers = program.lowers;
  request.limits.wall_ms = kProbeMs;
  return request;
}

// "gcc" of "x86_64-linux-gnu-gcc-12.2".
std::string bare_name(std::string name) {
  const auto version = name.find_last_not_of("0123456789.");
  if (version != std::string::npos && name[version] == '-') name.erase(version);
  const auto target = name.rfind('-');
  return target == std::string::npos ? name : name.substr(target + 1);
}

bool is_compiler_of_c(const std::string& name) {
  constexpr std::array<std::string_view, 6> kNames = {"clang", "clang++", "gcc",
                                                      "g++",   "cc",      "c++"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// Arguments that make the probe's object; empty: it is no compiler that is known.
std::vector<std::string> compile_by(const std::string& file_name) {
  const auto name = bare_name(file_name);
  if (name == "rustc") {  // without its standard library it fails, and both ways alike
    return {"--crate-type=lib", "--emit=obj", "-g", "/dev/null", "-o", kProbeObject};
  }
  if (!is_compiler_of_c(name)) return {};
  std::vector<std::string> compile{"-x", "c", "-g", "-O1", "-c", "/dev/null", "-o", kProbeObject};
  // Found beside the compiler: it knows where it is.
  if (name.starts_with("clang")) compile.insert(compile.end(), {"-include", "stddef.h"});
  return compile;
}

}  // namespace

std::vector<RunRequest> probes_of(const HeldProgram& program) {
  std::vector<RunRequest> probes{probe(program, {"--version"})};
  const auto name = std::filesystem::path(program.program).filename().string();
  auto compile = compile_by(name);
  if (compile.empty()) return probes;
  probes.push_back(probe(program, std::move(compile)));
  probes.back().outputs = {kProbeObject};
  return probes;
}

std::string difference(const RunRequest& probe, const ProbeResult& executed,
                       const ProbeResult& forked) {
  std::string what;
  if (forked.outputs != executed.outputs) what = "the object";
  if (forked.standard_output != executed.standard_output) what = "stdout";
  if (forked.standard_error != executed.standard_error) what = "stderr";
  if (forked.outcome != executed.outcome || forked.exit_code != executed.exit_code ||
      forked.signal != executed.signal) {
    what = "the exit code";
  }
  if (what.empty()) return what;
  return "differs from an executed one: " + what + " of " + probe.argv.at(1);
}

}  // namespace kiln::worker
