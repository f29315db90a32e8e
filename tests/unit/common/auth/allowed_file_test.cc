#include "common/auth/allowed_file.h"

#include <filesystem>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/auth/keys.h"
#include "common/base/files.h"
#include "tests/support/temporary_directory.h"

namespace kiln::auth {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr Day kToday = std::chrono::year(2026) / 11 / 27;

class AllowedFile : public testing::Test {
 protected:
  Status allow(const std::string& name) const {
    return change_allowed(path_, [&](AllowedKeys& keys) -> Status {
      KILN_TRY(keys.allow({name, KeyRole::client, make_key_pair()->public_key, kToday, {}}));
      return {};
    });
  }

  test_support::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() / "allowed";
};

TEST_F(AllowedFile, is_made_by_the_first_change) {
  EXPECT_EQ(load_allowed(path_).error().code, Errc::not_found);
  ASSERT_TRUE(allow("laptop"));
  ASSERT_TRUE(allow("desk"));
  const auto keys = load_allowed(path_);
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_NE(keys->find("laptop"), nullptr);
  EXPECT_NE(keys->find("desk"), nullptr);
  EXPECT_THAT(*read_file(path_), StartsWith("# Who may come into this farm"));
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
}

TEST_F(AllowedFile, a_change_that_fails_leaves_it) {
  ASSERT_TRUE(allow("laptop"));
  const auto before = *read_file(path_);
  EXPECT_THAT(allow("laptop").error().message, HasSubstr("called laptop"));
  EXPECT_EQ(*read_file(path_), before);
  const auto absent = change_allowed(
      path_, [](AllowedKeys&) -> Status { return fail(Errc::not_found, "no such key"); });
  EXPECT_EQ(absent.error().message, "no such key");
}

TEST_F(AllowedFile, a_wrong_line_is_told_with_its_place_and_stays) {
  ASSERT_TRUE(allow("laptop"));
  const std::string text = *read_file(path_) + "nonsense\n";
  ASSERT_TRUE(write_file_atomically(path_, text, 0600));
  EXPECT_THAT(load_allowed(path_).error().message, StartsWith(path_ + ":4: a line is"));
  EXPECT_FALSE(allow("desk"));
  EXPECT_EQ(*read_file(path_), text);
}

TEST_F(AllowedFile, is_refused_where_others_may_write_it) {
  ASSERT_TRUE(allow("laptop"));
  std::filesystem::permissions(path_, std::filesystem::perms(0644));
  EXPECT_TRUE(load_allowed(path_));
  std::filesystem::permissions(path_, std::filesystem::perms(0664));
  EXPECT_THAT(load_allowed(path_).error().message, HasSubstr("chmod 600"));
  EXPECT_FALSE(allow("desk"));
}

// The first ones make it, too.
TEST_F(AllowedFile, changes_that_meet_all_count_and_readers_see_whole_files) {
  constexpr int kThreads = 4;
  constexpr int kKeys = 4;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      for (int n = 0; n < kKeys; ++n) {
        const auto changed = allow("k" + std::to_string(i) + "." + std::to_string(n));
        EXPECT_TRUE(changed) << changed.error().message;
        const auto seen = load_allowed(path_);
        EXPECT_TRUE(seen) << seen.error().message;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(load_allowed(path_)->all().size(), std::size_t{kThreads * kKeys});
}

}  // namespace
}  // namespace kiln::auth
