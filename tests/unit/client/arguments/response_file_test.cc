#include "client/arguments/response_file.h"

#include <gtest/gtest.h>

#include "tests/unit/client/fake_file_system.h"

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;

TEST(ResponseFileTest, SplitsAsTheCompilersDo) {
  EXPECT_EQ(split_response_text(" -c\t'a b'.c\n\"x\\\"y\"  p\\ q '' "),
            (Words{"-c", "a b.c", "x\"y", "p q", ""}));
  EXPECT_EQ(split_response_text(R"(-DX=\"s\" 'it\'s')"), (Words{"-DX=\"s\"", "it's"}));
  EXPECT_EQ(split_response_text(" \n\t"), Words{});
}

TEST(ResponseFileTest, ExpandsNestedFilesInPlace) {
  FakeFileSystem files;
  files.add_file("/w/outer", "-O2 @sub/inner -g");
  files.add_file("/w/sub/inner", "-Wall");
  const auto expansion = expand_response_files({"cc", "-c", "@outer", "a.c", "@"}, "/w", files);
  ASSERT_TRUE(expansion.has_value());
  EXPECT_EQ(expansion->argv, (Words{"cc", "-c", "-O2", "-Wall", "-g", "a.c", "@"}));
  EXPECT_EQ(expansion->files, (Words{"outer", "sub/inner"}));
}

TEST(ResponseFileTest, RefusesMissingAndEndlessFiles) {
  FakeFileSystem files;
  files.add_file("/w/self", "@self");
  EXPECT_EQ(expand_response_files({"cc", "@no"}, "/w", files).error().code, Errc::not_found);
  EXPECT_EQ(expand_response_files({"cc", "@self"}, "/w", files).error().code,
            Errc::invalid_argument);
}

}  // namespace
}  // namespace kiln::client
