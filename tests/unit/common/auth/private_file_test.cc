#include "common/auth/private_file.h"

#include <filesystem>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/base/files.h"
#include "tests/support/temporary_directory.h"

namespace kiln::auth {
namespace {

using test_support::TemporaryDirectory;
using testing::HasSubstr;

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

std::size_t entries(const std::filesystem::path& path) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
}

// Until its end.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  ~Umask() { ::umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  mode_t before_;
};

class PrivateFile : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_.path() / name; }
  std::string content(const std::string& name) const { return *read_file(path(name)); }
  std::string made(const std::string& name, mode_t mode) const {
    EXPECT_TRUE(create_private_file(path(name), "words"));
    EXPECT_EQ(::chmod(path(name).c_str(), mode), 0);
    return path(name);
  }

  TemporaryDirectory directory_;
};

TEST_F(PrivateFile, is_the_owners_whatever_the_umask) {
  for (const mode_t mask : {0000U, 0077U, 0777U}) {
    const Umask umask(mask);
    const auto name = std::to_string(mask);
    ASSERT_TRUE(create_private_file(path(name), "words"));
    EXPECT_EQ(mode_of(path(name)), 0600U);
    EXPECT_EQ(read_private_file(path(name), Others::nothing), "words");
  }
}

TEST_F(PrivateFile, is_never_made_over_another) {
  const auto here = made("a", 0600);
  std::filesystem::create_symlink("nowhere", path("link"));
  EXPECT_EQ(create_private_file(here, "others").error().code, Errc::already_exists);
  EXPECT_EQ(create_private_file(path("link"), "others").error().code, Errc::already_exists);
  EXPECT_EQ(content("a"), "words");
  EXPECT_EQ(entries(directory_.path()), 2U) << "a draft stayed";
}

TEST_F(PrivateFile, is_refused_where_others_may_touch_it) {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0666U}) {
    const auto here = made("n" + std::to_string(mode), mode);
    const auto read = read_private_file(here, Others::nothing);
    ASSERT_FALSE(read) << mode;
    EXPECT_EQ(read.error().code, Errc::permission_denied);
    EXPECT_THAT(read.error().message, HasSubstr("chmod 600 " + here));
  }
  EXPECT_TRUE(read_private_file(made("read", 0644), Others::read));
  EXPECT_FALSE(read_private_file(made("write", 0620), Others::read));
  EXPECT_TRUE(read_private_file(made("only", 0400), Others::nothing));
}

TEST_F(PrivateFile, is_a_regular_file) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(read_private_file(path("pipe"), Others::nothing).error().message,
              HasSubstr("no regular file"));
  EXPECT_FALSE(read_private_file(directory_.path(), Others::read));
  EXPECT_EQ(read_private_file(path("none"), Others::read).error().code, Errc::not_found);
}

TEST_F(PrivateFile, keeps_its_mode_and_its_links_when_it_changes) {
  made("a", 0640);
  std::filesystem::create_symlink("a", path("link"));
  const auto changed = change_private_file(
      path("link"), Others::read,
      [](const std::string& before) -> Result<std::string> { return before + " more"; });
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(content("a"), "words more");
  EXPECT_EQ(mode_of(path("a")), 0640U);
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(entries(directory_.path()), 2U) << "a draft stayed";
}

TEST_F(PrivateFile, stays_where_the_change_fails) {
  const auto here = made("a", 0600);
  const auto changed = change_private_file(
      here, Others::nothing,
      [](const std::string&) -> Result<std::string> { return fail(Errc::corrupt, "no"); });
  EXPECT_EQ(changed.error().message, "no");
  EXPECT_EQ(content("a"), "words");
  EXPECT_EQ(entries(directory_.path()), 1U);
}

TEST_F(PrivateFile, changes_that_meet_all_count) {
  constexpr int kThreads = 4;
  constexpr int kChanges = 5;
  ASSERT_TRUE(create_private_file(path("a"), ""));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kChanges; ++n) {
        const auto changed = change_private_file(
            path("a"), Others::nothing,
            [](const std::string& before) -> Result<std::string> { return before + "x"; });
        EXPECT_TRUE(changed) << changed.error().message;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(content("a"), std::string(kThreads * kChanges, 'x'));
}

TEST_F(PrivateFile, directories_are_made_for_their_owner_and_those_above_for_everybody) {
  const Umask umask(0);
  const auto here = path("etc/kiln/keys");
  ASSERT_TRUE(make_private_directory(here + "/"));
  EXPECT_EQ(mode_of(here), 0700U);
  EXPECT_EQ(mode_of(path("etc/kiln")), 0755U);
  ASSERT_TRUE(make_private_directory(path("etc")));
  EXPECT_EQ(mode_of(path("etc")), 0755U) << "it was there";
  made("file", 0600);
  EXPECT_FALSE(make_private_directory(path("file/keys")));
}

TEST_F(PrivateFile, directories_where_others_may_write_are_refused) {
  ASSERT_TRUE(make_private_directory(path("keys")));
  EXPECT_TRUE(check_private_directory(path("keys")));
  ASSERT_EQ(::chmod(path("keys").c_str(), 0755), 0);
  EXPECT_TRUE(check_private_directory(path("keys")));
  ASSERT_EQ(::chmod(path("keys").c_str(), 0775), 0);
  EXPECT_THAT(check_private_directory(path("keys")).error().message,
              HasSubstr("chmod 700 " + path("keys")));
  EXPECT_FALSE(check_private_directory(path("none")));
  EXPECT_FALSE(check_private_directory(made("file", 0600)));
}

}  // namespace
}  // namespace kiln::auth
