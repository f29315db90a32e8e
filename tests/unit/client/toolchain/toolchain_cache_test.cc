#include "client/toolchain/toolchain_cache.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "client/toolchain/toolchain_record.h"
#include "tests/unit/client/toolchain/temporary_directory.h"

namespace kiln::client {
namespace {

namespace fs = std::filesystem;

// A cache with its own memory, as a newly started agent has it.
struct Agent {
  explicit Agent(const fs::path& directory)
      : cache(directory, files, digests, [this] { return now; }) {}
  ToolchainAnswer find(const ToolchainQuery& query) {
    auto answer = cache.find(query);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer.value_or(ToolchainAnswer{});
  }
  TimePoint now = Clock::now();
  RealFileSystem files;
  FileDigestCache digests{files};
  ToolchainCache cache;
};

// The machine's own, with no descriptor left to read a file while `fails`.
class FullFileSystem : public FileSystem {
 public:
  Result<FileStatus> lstat(const std::string& path) const override { return real_.lstat(path); }
  Result<FileStatus> stat(const std::string& path) const override { return real_.stat(path); }
  Result<std::string> read_link(const std::string& path) const override {
    return real_.read_link(path);
  }
  Result<std::string> read(const std::string& path) const override {
    if (fails) return fail(Errc::resource_exhausted, "too many open files");
    return real_.read(path);
  }
  bool readable(const std::string& path) const override { return real_.readable(path); }
  bool writable(const std::string& path) const override { return real_.writable(path); }
  std::int64_t now_ns() const override { return real_.now_ns(); }

  bool fails = true;

 private:
  RealFileSystem real_;
};

class ToolchainCacheTest : public testing::Test {
 protected:
  ToolchainQuery program_query() {
    if (!fs::exists(directory_ / "bin/tool")) {
      fs::create_directories(directory_ / "bin");
      fs::copy_file("/bin/true", directory_ / "bin/tool");
    }
    ToolchainQuery query;
    query.command = (directory_ / "bin/tool").string();
    query.cwd = "/";
    query.environment = {{"PATH", (directory_ / "bin").string() + ":/usr/bin:/bin"}};
    query.is_compiler = false;
    return query;
  }
  ToolchainQuery compiler_query(const std::string& command) {
    ToolchainQuery query = program_query();
    query.command = command;
    query.is_compiler = true;
    return query;
  }
  fs::path cache_path() const { return directory_ / "cache"; }

  TemporaryDirectory directory_;
};

TEST_F(ToolchainCacheTest, a_hit_hashes_nothing) {
  Agent agent(cache_path());
  const auto first = agent.find(program_query());
  ASSERT_TRUE(first.toolchain) << first.explanation;
  const auto hashed = agent.digests.computed();
  EXPECT_GT(hashed, 0U);
  const auto second = agent.find(program_query());
  EXPECT_EQ(second.toolchain, first.toolchain);
  EXPECT_EQ(agent.digests.computed(), hashed);
  EXPECT_EQ(agent.cache.packaged(), 1U);
}

TEST_F(ToolchainCacheTest, a_new_agent_reads_what_the_last_one_wrote) {
  const auto first = Agent(cache_path()).find(program_query());
  Agent agent(cache_path());
  const auto second = agent.find(program_query());
  ASSERT_TRUE(second.toolchain);
  EXPECT_EQ(agent.digests.computed(), 0U);
  EXPECT_EQ(agent.cache.packaged(), 0U);
  EXPECT_EQ(second.toolchain->root, first.toolchain->root);
  EXPECT_EQ(second.toolchain->listings, first.toolchain->listings);
  EXPECT_EQ(second.toolchain->files.size(), first.toolchain->files.size());
  EXPECT_EQ(second.toolchain->program, first.toolchain->program);
  EXPECT_EQ(second.program, first.program);
}

TEST_F(ToolchainCacheTest, a_changed_file_ends_a_record_and_a_changed_time_no_digest) {
  Agent agent(cache_path());
  const auto first = agent.find(program_query());
  fs::last_write_time(directory_ / "bin/tool", fs::file_time_type::clock::now());
  const auto touched = agent.find(program_query());
  EXPECT_EQ(agent.cache.packaged(), 2U);
  EXPECT_EQ(touched.toolchain->root, first.toolchain->root);
  std::ofstream(directory_ / "bin/tool", std::ios::app) << "more";
  const auto changed = agent.find(program_query());
  EXPECT_EQ(agent.cache.packaged(), 3U);
  EXPECT_NE(changed.toolchain->root, first.toolchain->root);
}

TEST_F(ToolchainCacheTest, all_names_of_gcc_are_one_toolchain) {
  Agent agent(cache_path());
  const auto gcc = agent.find(compiler_query("gcc"));
  ASSERT_TRUE(gcc.toolchain) << gcc.explanation;
  const auto cxx = agent.find(compiler_query("g++"));
  const auto versioned = agent.find(compiler_query("/usr/bin/x86_64-linux-gnu-gcc-12"));
  EXPECT_EQ(cxx.toolchain->root, gcc.toolchain->root);
  EXPECT_EQ(versioned.toolchain->root, gcc.toolchain->root);
  EXPECT_EQ(cxx.toolchain->program, "/usr/bin/g++");
}

TEST_F(ToolchainCacheTest, another_helper_on_path_ends_a_record) {
  Agent agent(cache_path());
  ASSERT_TRUE(agent.find(compiler_query("gcc")).toolchain);
  agent.find(compiler_query("gcc"));
  EXPECT_EQ(agent.cache.packaged(), 1U);
  directory_.link("bin/as", "/usr/bin/as");
  agent.find(compiler_query("gcc"));
  EXPECT_EQ(agent.cache.packaged(), 1U) << "helpers are looked at once a while";
  agent.now += ToolchainCache::kLookAgain;
  const auto answer = agent.find(compiler_query("gcc"));
  EXPECT_EQ(agent.cache.packaged(), 2U);
  EXPECT_TRUE(answer.toolchain) << answer.explanation;
}

TEST_F(ToolchainCacheTest, a_damaged_file_is_ignored_and_rewritten) {
  const auto first = Agent(cache_path()).find(program_query());
  for (const auto& entry : fs::recursive_directory_iterator(cache_path())) {
    if (entry.is_regular_file()) fs::resize_file(entry.path(), entry.file_size() / 2);
  }
  Agent repairing(cache_path());
  EXPECT_EQ(repairing.find(program_query()).toolchain->root, first.toolchain->root);
  EXPECT_EQ(repairing.cache.packaged(), 1U);
  Agent next(cache_path());
  next.find(program_query());
  EXPECT_EQ(next.cache.packaged(), 0U);
}

TEST_F(ToolchainCacheTest, works_without_a_place_to_write) {
  directory_.write("cache", "a file where the directory should be");
  Agent agent(cache_path());
  EXPECT_TRUE(agent.find(program_query()).toolchain);
}

TEST_F(ToolchainCacheTest, remembers_what_can_only_run_locally) {
  Agent agent(cache_path());
  const std::string script = directory_.write("bin/gcc", "#!/bin/sh\n", 0755);
  for (int round = 0; round < 2; ++round) {
    const auto answer = agent.find(compiler_query("gcc"));
    EXPECT_EQ(answer.program, script);
    EXPECT_EQ(answer.toolchain, nullptr);
    EXPECT_EQ(answer.reason, "script");
    EXPECT_FALSE(answer.explanation.empty());
  }
  EXPECT_EQ(agent.cache.packaged(), 1U);
  const auto none = agent.cache.find(compiler_query("no-such-compiler"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
}

TEST_F(ToolchainCacheTest, what_could_not_be_packaged_is_tried_again_after_a_while) {
  Agent agent(cache_path());
  directory_.write("bin/gcc", "#!/bin/sh\n", 0755);
  agent.find(compiler_query("gcc"));
  agent.now += ToolchainCache::kUnpackagedHolds - milliseconds(1);
  agent.find(compiler_query("gcc"));
  EXPECT_EQ(agent.cache.packaged(), 1U);
  agent.now += milliseconds(1);
  agent.find(compiler_query("gcc"));
  EXPECT_EQ(agent.cache.packaged(), 2U);
}

TEST_F(ToolchainCacheTest, a_file_that_cannot_be_read_this_time_is_no_answer) {
  FullFileSystem files;
  FileDigestCache digests{files};
  ToolchainCache cache(cache_path(), files, digests);
  const auto first = cache.find(program_query());
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Errc::resource_exhausted);
  files.fails = false;
  const auto second = cache.find(program_query());
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->toolchain);
}

TEST_F(ToolchainCacheTest, keeps_verdicts) {
  const Digest good = digest_of("good");
  const Digest bad = digest_of("bad");
  {
    Agent agent(cache_path());
    EXPECT_EQ(agent.cache.verdict(good), Verdict{});
    EXPECT_TRUE(agent.cache.set_verdict(good, {ProbeState::ok, ""}));
    EXPECT_TRUE(
        agent.cache.set_verdict(bad, {ProbeState::refused, "objects differ\nin two lines"}));
  }
  Agent agent(cache_path());
  EXPECT_EQ(agent.cache.verdict(good), (Verdict{ProbeState::ok, ""}));
  EXPECT_EQ(agent.cache.verdict(bad),
            (Verdict{ProbeState::refused, "objects differ\nin two lines"}));
  EXPECT_EQ(agent.cache.verdict(digest_of("other")).state, ProbeState::unknown);
}

TEST(ToolchainRecord, refuses_what_it_did_not_write) {
  EXPECT_EQ(decode_record("").error().code, Errc::corrupt);
  EXPECT_EQ(decode_record("{}").error().code, Errc::corrupt);
  Toolchain toolchain;
  toolchain.root = digest_of("listing");
  toolchain.listings = {{toolchain.root, "another listing"}};
  ToolchainRecord record;
  record.answer.toolchain = std::make_shared<const Toolchain>(toolchain);
  EXPECT_EQ(decode_record(encode_record(record)).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace kiln::client
