#include "common/auth/key_file.h"

#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/auth/keys.h"
#include "common/auth/private_file.h"
#include "common/base/files.h"
#include "tests/support/temporary_directory.h"

namespace kiln::auth {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

KeyFile laptop() {
  return {"laptop", KeyRole::client, *make_key_pair(), {make_key_pair()->public_key}};
}

// Of a whole file with `from` once replaced by `to`.
std::string error_of(const KeyFile& file, const std::string& from, const std::string& to) {
  std::string text = key_file_text(file);
  const auto at = text.rfind(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto read = parse_key_file(text, "a.key");
  if (read) return "no error";
  EXPECT_THAT(read.error().message, Not(HasSubstr(secret_text(file.keys.secret_key).substr(0, 8))));
  EXPECT_THAT(read.error().message, testing::StartsWith("a.key"));
  return read.error().message;
}

TEST(KeyFile, is_read_as_it_was_written) {
  const KeyFile file = laptop();
  const auto read = parse_key_file(key_file_text(file), "a.key");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, "laptop");
  EXPECT_EQ(read->role, KeyRole::client);
  EXPECT_EQ(read->keys.public_key, file.keys.public_key);
  EXPECT_EQ(read->keys.secret_key.bytes(), file.keys.secret_key.bytes());
  EXPECT_EQ(read->coordinators, file.coordinators);
  EXPECT_TRUE(read->knows(file.coordinators.front()));
  EXPECT_FALSE(read->knows(file.keys.public_key));
}

TEST(KeyFile, tells_people_whose_it_is_and_that_it_is_secret) {
  KeyFile file = laptop();
  for (const auto& [role, says] :
       {std::pair(KeyRole::client, "compile in the farm"), std::pair(KeyRole::worker, "run the"),
        std::pair(KeyRole::admin, "change the farm"),
        std::pair(KeyRole::coordinator, "trust it")}) {
    file.role = role;
    const std::string text = key_file_text(file);
    EXPECT_THAT(text, testing::StartsWith("# The key of \"laptop\", a"));
    EXPECT_THAT(text, HasSubstr(says));
    EXPECT_THAT(text, HasSubstr("SECRET"));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  }
}

TEST(KeyFile, says_which_field_is_missing_or_wrong_and_never_what_was_in_it) {
  const KeyFile file = laptop();
  const auto secret = secret_text(file.keys.secret_key);
  EXPECT_THAT(error_of(file, "name =", "nam ="), HasSubstr("name: it is missing"));
  EXPECT_THAT(error_of(file, "\"laptop\"\n", "\"lap top\"\n"), HasSubstr("name: a key's name"));
  EXPECT_THAT(error_of(file, "\"client\"", "\"root\""), HasSubstr("role: the roles are"));
  EXPECT_THAT(error_of(file, "\"client\"", "7"), HasSubstr("role: it is missing, or no string"));
  EXPECT_THAT(error_of(file, "public =", "pub ="), HasSubstr("public: it is missing"));
  EXPECT_THAT(error_of(file, "secret =", "sec ="), HasSubstr("secret: it is missing"));
  EXPECT_THAT(error_of(file, secret, secret.substr(1)), HasSubstr("secret: that is no secret"));
  EXPECT_THAT(error_of(file, "coordinator =", "c ="), HasSubstr("coordinator: it is missing"));
  EXPECT_THAT(error_of(file, "[\"", "[7, \""), HasSubstr("coordinator: that is no public key"));
  EXPECT_THAT(error_of(file, "\"" + secret + "\"", secret), HasSubstr("this line is not TOML"));
  EXPECT_THAT(error_of(file, "\"" + secret, secret), HasSubstr("this line is not TOML"));
}

TEST(KeyFile, is_refused_where_public_and_secret_do_not_belong_together) {
  const KeyFile file = laptop();
  EXPECT_THAT(error_of(file, key_text(file.keys.public_key), key_text(file.coordinators.front())),
              HasSubstr("public: it does not belong to the secret key"));
}

TEST(KeyFile, fields_of_a_later_version_are_ignored) {
  EXPECT_TRUE(parse_key_file(key_file_text(laptop()) + "expires = 2030-01-01\n", "a.key"));
}

TEST(KeyFile, on_a_disk_is_its_owners_alone_and_never_overwritten) {
  const test_support::TemporaryDirectory directory;
  const std::string path = directory.path() / "keys" / "laptop.key";
  const KeyFile file = laptop();
  ASSERT_TRUE(write_key_file(path, file));
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(std::filesystem::status(directory.path() / "keys").permissions(),
            std::filesystem::perms(0700));
  EXPECT_EQ(write_key_file(path, laptop()).error().code, Errc::already_exists);
  EXPECT_EQ(read_key_file(path)->keys.public_key, file.keys.public_key);
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  EXPECT_THAT(read_key_file(path).error().message, HasSubstr("chmod 600 " + path));
}

TEST(KeyFile, learns_other_coordinators) {
  const test_support::TemporaryDirectory directory;
  const std::string path = directory.path() / "laptop.key";
  const KeyFile file = laptop();
  const PublicKey next = make_key_pair()->public_key;
  ASSERT_TRUE(write_key_file(path, file));
  ASSERT_TRUE(change_key_file(path, [&](KeyFile& changed) -> Status {
    changed.coordinators.push_back(next);
    return {};
  }));
  EXPECT_THAT(read_key_file(path)->coordinators, ElementsAre(file.coordinators.front(), next));
  const auto before = *read_file(path);
  EXPECT_FALSE(change_key_file(path, [](KeyFile& changed) -> Status {
    changed.coordinators.clear();
    return fail(Errc::invalid_argument, "no");
  }));
  EXPECT_EQ(*read_file(path), before);
}

}  // namespace
}  // namespace kiln::auth
