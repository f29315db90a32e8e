#include "client/toolchain/elf.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "client/toolchain/shared_libraries.h"
#include "common/base/child_process.h"
#include "tests/unit/client/toolchain/temporary_directory.h"

namespace kiln::client {
namespace {

TEST(InspectProgram, reads_a_dynamic_executable) {
  const auto file = inspect_program("/proc/self/exe");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->kind, ProgramKind::elf);
  EXPECT_TRUE(file->is_dynamic);
  EXPECT_TRUE(file->loader.starts_with("/lib")) << file->loader;
  EXPECT_FALSE(file->architecture.empty());
}

TEST(InspectProgram, reads_the_words_of_a_script) {
  const TemporaryDirectory directory;
  const auto file = inspect_program(directory.write("script", "#! /usr/bin/env  python3\nx\n"));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->kind, ProgramKind::script);
  EXPECT_EQ(file->interpreter, (std::vector<std::string>{"/usr/bin/env", "python3"}));
}

TEST(InspectProgram, tells_other_files_apart) {
  const TemporaryDirectory directory;
  EXPECT_EQ(inspect_program(directory.write("text", "hello"))->kind, ProgramKind::other);
  EXPECT_EQ(inspect_program(directory.write("empty", ""))->kind, ProgramKind::other);
  const auto truncated = inspect_program(directory.write("elf", "\177ELF\2\1\1 and no more of it"));
  ASSERT_FALSE(truncated);
  EXPECT_EQ(truncated.error().code, Errc::corrupt);
  EXPECT_EQ(inspect_program((directory / "none").string()).error().code, Errc::not_found);
}

// Builds a library and a program that needs it; `rpath` may be empty.
std::string build_program(const TemporaryDirectory& directory, const std::string& rpath) {
  CommandSpec spec;
  spec.program = "/bin/sh";
  spec.argv = {"sh", "-ec",
               "mkdir lib; echo 'int one(void){return 1;}' | gcc -shared -o lib/libone.so -x c -; "
               "echo 'int one(void); int main(void){return one();}' | gcc -o program -x c - -Llib "
               "-lone " +
                   rpath};
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  spec.cwd = directory.string();
  const auto output = run_command(spec);
  EXPECT_TRUE(output && output->succeeded());
  return (directory / "program").string();
}

TEST(SharedLibraries, finds_libraries_by_rpath_without_the_cache) {
  const TemporaryDirectory directory;
  const std::string program = build_program(directory, "-Wl,-rpath," + directory.string() + "/lib");
  const auto libraries = shared_libraries(program, inspect_program(program)->loader, {});
  ASSERT_TRUE(libraries) << libraries.error().message;
  EXPECT_EQ(libraries->paths.front(), (directory / "lib/libone.so").string());
  EXPECT_FALSE(libraries->needs_loader_cache);
}

TEST(SharedLibraries, names_a_library_that_is_missing) {
  const TemporaryDirectory directory;
  const std::string program = build_program(directory, "");
  const std::string loader = inspect_program(program)->loader;
  const auto missing = shared_libraries(program, loader, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_NE(missing.error().message.find("libone.so"), std::string::npos);
  const std::string path = (directory / "lib").string();
  EXPECT_TRUE(shared_libraries(program, loader, {{"LD_LIBRARY_PATH", path}}));
}

}  // namespace
}  // namespace kiln::client
