#include "client/paths/program.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/temporary_directory.h"

namespace kiln::client {
namespace {

class Program : public testing::Test {
 protected:
  Program() {
    self_ = directory_.script("libexec/kiln", "");
    directory_.script("real/gcc", "");
    directory_.script("real/tool", "");
    std::filesystem::create_directory(directory_ / "links");
    std::filesystem::create_symlink(self_, directory_ / "links/gcc");
  }
  Environment path(const std::string& value) const { return {{"PATH", value}}; }
  Result<FoundProgram> find(const std::string& name, const std::string& where) const {
    return find_program(name, directory_.path(), path(where), self_);
  }

  const TemporaryDirectory directory_;
  std::string self_;
};

TEST_F(Program, is_found_on_path_in_order) {
  const auto found = find("tool", directory_ / "links" + ":" + directory_ / "real");
  EXPECT_EQ(found->path, directory_ / "real/tool");
  EXPECT_FALSE(found->passed_links);
}

TEST_F(Program, links_to_kiln_are_passed_by) {
  const auto found = find("gcc", directory_ / "links" + ":" + directory_ / "real");
  EXPECT_EQ(found->path, directory_ / "real/gcc");
  EXPECT_TRUE(found->passed_links);
}

TEST_F(Program, so_are_hard_links_and_links_to_another_installation) {
  std::filesystem::create_directory(directory_ / "hard");
  std::filesystem::create_hard_link(self_, directory_ / "hard/gcc");
  const std::string other = directory_.script("other/kiln", "");
  std::filesystem::create_directory(directory_ / "others");
  std::filesystem::create_symlink(other, directory_ / "others/gcc");
  const auto found =
      find("gcc", directory_ / "hard" + ":" + directory_ / "others" + ":" + directory_ / "real/");
  EXPECT_EQ(found->path, directory_ / "real/gcc");
}

TEST_F(Program, a_path_to_a_link_stands_for_its_name_on_path) {
  const auto found = find(directory_ / "links/gcc", directory_ / "real");
  EXPECT_EQ(found->path, directory_ / "real/gcc");
  EXPECT_TRUE(found->passed_links);
}

TEST_F(Program, paths_are_taken_as_they_are_and_relative_ones_from_the_directory) {
  EXPECT_EQ(find(directory_ / "real/gcc", "/nowhere")->path, directory_ / "real/gcc");
  EXPECT_EQ(find("real/gcc", "/nowhere")->path, directory_ / "real/gcc");
  EXPECT_EQ(find("gcc", "real")->path, directory_ / "real/gcc");
}

TEST_F(Program, what_is_missing_or_no_program_is_not_found) {
  std::filesystem::create_directory(directory_ / "real/folder");
  EXPECT_EQ(find("none", directory_ / "real").error().code, Errc::not_found);
  EXPECT_EQ(find("folder", directory_ / "real").error().code, Errc::not_found);
  EXPECT_EQ(find("./none", "").error().code, Errc::not_found);
  EXPECT_EQ(find("", directory_ / "real").error().code, Errc::not_found);
  const auto only_links = find("gcc", directory_ / "links");
  EXPECT_THAT(only_links.error().message, testing::HasSubstr("Kiln's own link"));
}

TEST(CompilerName, is_seen_with_target_and_version) {
  for (const char* name : {"gcc", "g++", "cc", "c++", "clang", "clang++", "gcc-12", "clang++-14",
                           "x86_64-linux-gnu-gcc", "x86_64-linux-gnu-g++-12", "/usr/bin/cc",
                           "arm-none-eabi-gcc-10.3.1"}) {
    EXPECT_TRUE(is_compiler_name(name)) << name;
  }
  for (const char* name : {"kiln", "make", "gcc-ar", "clang-format-14", "ld", "", "gcc-", "12"}) {
    EXPECT_FALSE(is_compiler_name(name)) << name;
  }
}

}  // namespace
}  // namespace kiln::client
