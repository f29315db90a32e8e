#include "client/toolchain/compiler.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "client/toolchain/elf.h"
#include "client/toolchain/package.h"
#include "tests/unit/client/toolchain/temporary_directory.h"

namespace kiln::client {
namespace {

ToolchainQuery query_of(const std::string& command, const std::string& path = "/usr/bin:/bin") {
  ToolchainQuery query;
  query.command = command;
  query.cwd = "/";
  query.environment = {{"PATH", path}};
  return query;
}

TEST(Identify, follows_a_chain_of_symlinks_and_keeps_its_start) {
  const TemporaryDirectory directory;
  directory.link("alternatives/cc", "/usr/bin/gcc");
  const std::string start = directory.link("bin/cc", "../alternatives/cc");
  const auto compiler = identify(query_of("cc", (directory / "bin").string() + ":/usr/bin"));
  ASSERT_TRUE(compiler) << compiler.error().message;
  EXPECT_EQ(compiler->program, start);
  EXPECT_EQ(compiler->real_path, std::filesystem::canonical("/usr/bin/gcc"));
  EXPECT_EQ(compiler->family, CompilerFamily::gcc);
  EXPECT_EQ(compiler->unsupported, "");
  EXPECT_NE(compiler->version.find("12."), std::string::npos) << compiler->version;
  EXPECT_FALSE(compiler->target.empty());
  EXPECT_FALSE(compiler->architecture.empty());
}

TEST(Identify, knows_clang) {
  const auto compiler = identify(query_of("/usr/bin/clang++"));
  ASSERT_TRUE(compiler) << compiler.error().message;
  EXPECT_EQ(compiler->family, CompilerFamily::clang);
  EXPECT_NE(compiler->version.find("clang version 14"), std::string::npos) << compiler->version;
}

TEST(Identify, passes_by_links_to_kiln) {
  const TemporaryDirectory directory;
  std::filesystem::copy_file("/bin/true", directory / "kiln");
  directory.link("masquerade/gcc", directory / "kiln");
  const auto compiler =
      identify(query_of("gcc", (directory / "masquerade").string() + ":/usr/bin"));
  ASSERT_TRUE(compiler) << compiler.error().message;
  EXPECT_EQ(compiler->program, "/usr/bin/gcc");
}

TEST(Identify, does_not_run_a_script) {
  const TemporaryDirectory directory;
  const std::string mark = (directory / "was-run").string();
  const auto compiler =
      identify(query_of(directory.write("gcc", "#!/bin/sh\ntouch " + mark + "\n", 0755)));
  ASSERT_TRUE(compiler) << compiler.error().message;
  EXPECT_EQ(compiler->unsupported, "script");
  EXPECT_FALSE(std::filesystem::exists(mark));
  const auto list = package_compiler(*compiler, query_of("gcc"));
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Errc::unsupported);
}

TEST(Identify, knows_wrappers_and_what_is_no_compiler) {
  const TemporaryDirectory directory;
  std::filesystem::copy_file("/bin/true", directory / "ccache");
  directory.link("bin/gcc", directory / "ccache");
  EXPECT_EQ(identify(query_of("gcc", (directory / "bin").string()))->unsupported, "wrapper");
  EXPECT_EQ(identify(query_of("/bin/true"))->unsupported, "unknown_compiler");
  EXPECT_EQ(identify(query_of(directory.write("gcc", "plain", 0755)))->unsupported, "not_elf");
  const auto none = identify(query_of("no-such-compiler"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
}

TEST(Package, says_which_helper_is_missing) {
  const TemporaryDirectory directory;
  directory.link("gcc", "/usr/bin/gcc");
  const ToolchainQuery query = query_of("gcc", directory.string());
  const auto compiler = identify(query);
  ASSERT_TRUE(compiler) << compiler.error().message;
  const auto list = package_compiler(*compiler, query);
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Errc::not_found);
  EXPECT_NE(list.error().message.find("needs as, "), std::string::npos) << list.error().message;
}

TEST(Package, takes_a_scripts_interpreters) {
  const TemporaryDirectory directory;
  const std::string script = directory.write("tool", "#!/usr/bin/env sh\n", 0755);
  const auto list = package_program(script, query_of(script));
  ASSERT_TRUE(list) << list.error().message;
  const auto has = [&list](const std::string& path) {
    return std::find(list->files.begin(), list->files.end(), path) != list->files.end();
  };
  EXPECT_TRUE(has(script));
  EXPECT_TRUE(has("/usr/bin/env"));
  EXPECT_TRUE(has("/usr/bin/sh"));
  ASSERT_EQ(list->lookups.size(), 1U);
  EXPECT_EQ(list->lookups.front(), (HelperLookup{"sh", "/usr/bin/sh"}));
  EXPECT_EQ(list->architecture, inspect_program("/usr/bin/env")->architecture);
  EXPECT_FALSE(list->architecture.empty());
}

TEST(Package, refuses_a_script_without_an_interpreter) {
  const TemporaryDirectory directory;
  const std::string script = directory.write("tool", "#!\n", 0755);
  const auto list = package_program(script, query_of(script));
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Errc::unsupported);
  EXPECT_NE(list.error().message.find("names no interpreter"), std::string::npos);
}

}  // namespace
}  // namespace kiln::client
