// Runs the real binary `kiln` in a directory of its own, with a stand-in for a compiler.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/paths/environment.h"
#include "common/base/child_process.h"
#include "tests/unit/client/temporary_directory.h"

namespace kiln::client {

class LauncherTest : public testing::Test {
 protected:
  LauncherTest() {
    directory_.script("bin/gcc", "echo local $0 \"$@\"; exit 3");
    set("PATH", directory_ / "bin" + ":/usr/bin:/bin");
    set("KILN_SOCKET", socket_);
    set("KILN_SLOT_DIR", directory_ / "slots");
    set("KILN_AGENT", "/nonexistent/kiln-agent");
  }

  void set(const std::string& name, const std::string& value) {
    std::erase_if(environment_, [&](const auto& variable) { return variable.first == name; });
    environment_.emplace_back(name, value);
  }
  CommandOutput run(const std::string& program, std::vector<std::string> argv) {
    CommandSpec spec;
    spec.program = program;
    spec.argv = std::move(argv);
    spec.environment = environment_;
    spec.cwd = directory_.path();
    spec.deadline = seconds(50);
    auto output = kiln::run_command(spec);
    EXPECT_TRUE(output) << output.error().message;
    return output ? *output : CommandOutput{};
  }
  CommandOutput kiln(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "kiln");
    return run(KILN_PROGRAM, std::move(arguments));
  }
  // A shell script in which "$KILN" is the launcher.
  CommandOutput shell(const std::string& script) {
    set("KILN", KILN_PROGRAM);
    return run("/bin/sh", {"sh", "-c", script});
  }

  const TemporaryDirectory directory_;
  const std::string socket_ = directory_ / "agent.sock";
  Environment environment_;
};

}  // namespace kiln::client
