#include "client/agent/output_writer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/base/files.h"
#include "common/transfer/inline_blob.h"
#include "tests/support/temporary_directory.h"

namespace kiln::client {
namespace {

class OutputWriterTest : public testing::Test {
 protected:
  OutputWriterTest() {
    spool_ = std::move(*store::BlobStore::open(
        {.directory = directory_.path() / "spool", .limit_bytes = 0, .file_system = nullptr}));
    std::filesystem::create_directory(place());
    result_.result.outcome = Outcome::exited;
  }

  std::filesystem::path place() const { return directory_.path() / "build"; }
  std::string path(const std::string& name) const { return place() / name; }

  OutputFile output(const std::string& name, const std::string& content, std::uint32_t mode) {
    unit_.task.outputs.push_back(path(name));
    return {path(name), mode, content.size(), digest_of(content)};
  }
  void add_inline(const std::string& name, const std::string& content, std::uint32_t mode = 0644) {
    result_.result.outputs.push_back(output(name, content, mode));
    auto frame = transfer::encode_frame(content);
    result_.blobs.push_back(transfer::describe_blob(digest_of(content), content.size(), frame));
    raw_.push_back(std::move(frame.bytes));
  }
  Status write() { return write_outputs(unit_, result_, raw_, *spool_, wanted_); }
  std::string content(const std::string& name) const {
    return read_file(path(name)).value_or("(none)");
  }
  mode_t mode(const std::string& name) const {
    struct stat info {};
    ::stat(path(name).c_str(), &info);
    return info.st_mode & 07777U;
  }
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(place()), {});
  }

  test_support::TemporaryDirectory directory_;
  std::unique_ptr<store::BlobStore> spool_;
  std::atomic<bool> wanted_ = true;
  PreparedUnit unit_;
  wire::RunResult result_;
  wire::Frames raw_ = {"", ""};
};

TEST_F(OutputWriterTest, writes_what_came_along_with_its_mode) {
  add_inline("a.o", "object");
  add_inline("tool", std::string(100'000, 'x'), 0751);
  ASSERT_TRUE(write());
  EXPECT_EQ(content("a.o"), "object");
  EXPECT_EQ(mode("a.o"), 0644U);
  EXPECT_EQ(content("tool"), std::string(100'000, 'x'));
  EXPECT_EQ(mode("tool"), 0751U);
  EXPECT_EQ(files(), 2) << "nothing temporary stays";
}

TEST_F(OutputWriterTest, fetched_outputs_come_from_the_spool) {
  const std::string large(5'000'000, 'y');
  result_.result.outputs.push_back(output("a.o", large, 0600));
  EXPECT_EQ(outputs_to_fetch(result_), std::vector<Digest>{digest_of(large)});
  const auto missing = write();
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("a.o"), std::string::npos);
  EXPECT_EQ(files(), 0);
  ASSERT_TRUE(spool_->put(large));
  ASSERT_TRUE(write());
  EXPECT_EQ(content("a.o"), large);
  EXPECT_EQ(mode("a.o"), 0600U);
}

TEST_F(OutputWriterTest, all_or_nothing) {
  ASSERT_TRUE(write_file_atomically(path("a.o"), "old", 0644));
  add_inline("a.o", "new");
  add_inline("no-such-directory/a.d", "dependencies");
  EXPECT_FALSE(write());
  EXPECT_EQ(content("a.o"), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(OutputWriterTest, PoolConformance_row_17_corrupt_content_is_not_written) {
  add_inline("a.o", "object");
  raw_[2] = "objekt";
  const auto status = write();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::corrupt);
  EXPECT_EQ(files(), 0);
}

TEST_F(OutputWriterTest, a_result_that_lacks_its_frames_is_refused) {
  add_inline("a.o", "object");
  raw_.pop_back();
  EXPECT_EQ(write().error().code, Errc::corrupt);
  EXPECT_EQ(read_streams(result_, raw_).error().code, Errc::corrupt);
}

TEST_F(OutputWriterTest, nothing_is_written_for_a_call_that_is_gone) {
  ASSERT_TRUE(write_file_atomically(path("a.o"), "of a later call", 0644));
  add_inline("a.o", "object");
  wanted_ = false;
  EXPECT_EQ(write().error().code, Errc::cancelled);
  EXPECT_EQ(content("a.o"), "of a later call");
  EXPECT_EQ(files(), 1);
}

TEST_F(OutputWriterTest, only_declared_outputs_are_written) {
  add_inline("a.o", "object");
  unit_.task.outputs.clear();
  EXPECT_EQ(write().error().code, Errc::permission_denied);
  EXPECT_EQ(files(), 0);
}

TEST_F(OutputWriterTest, what_is_no_plain_file_is_left_to_the_compiler) {
  ASSERT_EQ(::mkfifo(path("a.o").c_str(), 0600), 0);
  add_inline("a.o", "object");
  EXPECT_EQ(write().error().code, Errc::unsupported);
  EXPECT_EQ(files(), 1);
}

TEST_F(OutputWriterTest, a_failed_compile_leaves_an_old_object_where_the_compiler_does) {
  ASSERT_TRUE(write_file_atomically(path("a.o"), "old", 0644));
  unit_.task.outputs = {path("a.o")};
  result_.result.exit_code = 1;
  ASSERT_TRUE(write());
  EXPECT_EQ(content("a.o"), "old");
  unit_.removes_stale_output = true;
  ASSERT_TRUE(write());
  EXPECT_EQ(files(), 0);
}

TEST_F(OutputWriterTest, an_assembler_that_fails_removes_what_was_there) {
  ASSERT_TRUE(write_file_atomically(path("a.o"), "old", 0644));
  unit_.task.outputs = {path("a.o")};
  result_.result.exit_code = 1;
  raw_[1] = "a.c: Assembler messages:\na.c:1: Error: no such instruction\n";
  result_.stderr_size = raw_[1].size();
  ASSERT_TRUE(write());
  EXPECT_EQ(files(), 0);
}

TEST_F(OutputWriterTest, streams_are_decoded) {
  auto frame = transfer::encode_frame(std::string(10'000, 'e'));
  result_.stderr_encoding = frame.encoding;
  result_.stderr_size = 10'000;
  raw_[1] = frame.bytes;
  const auto streams = read_streams(result_, raw_);
  ASSERT_TRUE(streams);
  EXPECT_EQ(streams->out, "");
  EXPECT_EQ(streams->err, std::string(10'000, 'e'));
  result_.stderr_size = 9'999;
  EXPECT_FALSE(read_streams(result_, raw_));
}

}  // namespace
}  // namespace kiln::client
