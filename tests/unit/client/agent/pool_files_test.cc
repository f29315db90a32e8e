#include "client/agent/pool_files.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/inputs/file_digest_cache.h"
#include "client/inputs/file_system.h"
#include "tests/unit/client/temporary_directory.h"

namespace kiln::client {
namespace {

using testing::HasSubstr;

// A toolchain of one program, with a symlink to it, and another program beside it.
class PoolFiles : public testing::Test {
 protected:
  PoolFiles() {
    std::filesystem::create_symlink("cc-12", directory_ / "bin/cc");
    const RealFileSystem files;
    FileDigestCache digests(files);
    FileList list;
    list.files = {directory_ / "bin/cc"};
    const auto built = build_toolchain(list, files, digests);
    EXPECT_TRUE(built) << (built ? "" : built.error().message);
    if (built) toolchain_ = *built;
  }

  std::string problem_of(const PoolSpec& spec) const {
    const auto checked = check_pool_files(spec, toolchain_, "cc");
    if (checked) return "";
    EXPECT_EQ(checked.error().code, Errc::not_found);
    return checked.error().message;
  }

  TemporaryDirectory directory_;
  std::string program_ = directory_.script("bin/cc-12", "exit 0");
  std::string other_ = directory_.script("bin/other", "exit 1");
  Toolchain toolchain_;
};

TEST_F(PoolFiles, of_the_first_toolchain_may_be_used_by_any_name) {
  PoolSpec spec;
  spec.init = {{program_}, {directory_ / "bin/cc", "--version"}};
  spec.probe = {directory_ / "bin/../bin/cc"};
  spec.keep_resident = {program_};
  EXPECT_EQ(problem_of(spec), "");
}

TEST_F(PoolFiles, that_are_missing_here_are_named) {
  PoolSpec spec;
  spec.keep_resident = {directory_ / "none"};
  EXPECT_EQ(problem_of(spec), "--keep: " + (directory_ / "none") + ": No such file or directory");
}

TEST_F(PoolFiles, outside_of_the_first_toolchain_are_not_where_steps_run) {
  PoolSpec spec;
  spec.init = {{program_}, {other_}};
  EXPECT_THAT(problem_of(spec), HasSubstr("--init: " + other_ +
                                          " is no file of the pool's first "
                                          "toolchain, cc; steps run in its root"));
  spec.init.clear();
  spec.probe = {other_};
  EXPECT_THAT(problem_of(spec), HasSubstr("--probe: " + other_));
  spec.probe.clear();
  spec.keep_resident = {other_};
  EXPECT_THAT(problem_of(spec), HasSubstr("only those of the first --toolchain are kept"));
  spec.keep_resident = {directory_ / "bin"};
  EXPECT_THAT(problem_of(spec), HasSubstr("is no file")) << "a directory";
}

}  // namespace
}  // namespace kiln::client
