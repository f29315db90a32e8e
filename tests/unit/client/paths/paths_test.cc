#include "client/paths/paths.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/client/temporary_directory.h"

namespace kiln::client {
namespace {

using testing::HasSubstr;

class Paths : public testing::Test {
 protected:
  const TemporaryDirectory directory_;
  const uid_t user_ = ::geteuid();
};

TEST_F(Paths, takes_the_given_socket_as_it_is) {
  EXPECT_EQ(*socket_path({{"KILN_SOCKET", "/x/y.sock"}}, user_), "/x/y.sock");
}

TEST_F(Paths, refuses_a_socket_path_that_is_relative_or_too_long) {
  const auto relative = socket_path({{"KILN_SOCKET", "y.sock"}}, user_);
  EXPECT_EQ(relative.error().code, Errc::invalid_argument);
  const auto fits = socket_path({{"KILN_SOCKET", "/" + std::string(106, 'x')}}, user_);
  EXPECT_TRUE(fits);
  const auto longer = socket_path({{"KILN_SOCKET", "/" + std::string(107, 'x')}}, user_);
  EXPECT_EQ(longer.error().code, Errc::invalid_argument);
  EXPECT_THAT(longer.error().message, HasSubstr("107 bytes"));
}

TEST_F(Paths, prefers_the_runtime_directory_and_closes_its_own_there) {
  const auto path = socket_path({{"XDG_RUNTIME_DIR", directory_.path()}}, user_);
  EXPECT_EQ(*path, directory_ / "kiln/agent.sock");
  struct stat info {};
  ASSERT_EQ(::stat((directory_ / "kiln").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST_F(Paths, passes_by_a_runtime_directory_that_is_missing_or_too_long) {
  const std::string own = "/tmp/kiln-" + std::to_string(user_) + "/agent.sock";
  EXPECT_EQ(*socket_path({{"XDG_RUNTIME_DIR", directory_ / "missing"}}, user_), own);
  const std::string deep = directory_ / std::string(100, 'd');
  std::filesystem::create_directory(deep);
  EXPECT_EQ(*socket_path({{"XDG_RUNTIME_DIR", deep}}, user_), own);
}

TEST_F(Paths, a_private_directory_is_made_closed_and_found_again) {
  EXPECT_EQ(*private_directory(directory_.path(), "k", user_), directory_ / "k");
  EXPECT_EQ(*private_directory(directory_.path(), "k", user_), directory_ / "k");
}

TEST_F(Paths, a_directory_that_others_may_enter_is_refused) {
  std::filesystem::create_directory(directory_ / "open");
  std::filesystem::permissions(directory_ / "open", std::filesystem::perms(0755));
  const auto refused = private_directory(directory_.path(), "open", user_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::permission_denied);
  EXPECT_THAT(refused.error().message, HasSubstr("chmod 700"));
}

TEST_F(Paths, a_directory_of_another_user_is_refused) {
  ASSERT_TRUE(private_directory(directory_.path(), "k", user_));
  const auto refused = private_directory(directory_.path(), "k", user_ + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::permission_denied);
  EXPECT_THAT(refused.error().message, HasSubstr("KILN_SOCKET"));
}

TEST_F(Paths, a_symbolic_link_or_a_file_in_its_place_is_refused) {
  ASSERT_TRUE(private_directory(directory_.path(), "k", user_));
  std::filesystem::create_symlink(directory_ / "k", directory_ / "link");
  EXPECT_FALSE(private_directory(directory_.path(), "link", user_));
  directory_.script("file", "");
  EXPECT_FALSE(private_directory(directory_.path(), "file", user_));
}

TEST_F(Paths, the_cache_is_where_it_is_told_then_by_xdg_then_at_home) {
  EXPECT_EQ(*cache_directory({{"KILN_CACHE_DIR", "/c"}, {"XDG_CACHE_HOME", "/x"}}, user_), "/c");
  EXPECT_EQ(*cache_directory({{"XDG_CACHE_HOME", "/x"}, {"HOME", "/h"}}, user_), "/x/kiln");
  EXPECT_EQ(*cache_directory({{"HOME", directory_.path()}}, user_), directory_ / ".cache/kiln");
  EXPECT_THAT(*cache_directory({{"HOME", "/"}}, user_), testing::EndsWith("/cache"));
  EXPECT_EQ(cache_directory({{"KILN_CACHE_DIR", "c"}}, user_).error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace kiln::client
