#include "client/keys/new_key.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/keys/trust.h"
#include "tests/unit/client/keys/keys_test.h"

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NewKey : public KeysTest {
 protected:
  Result<MadeKey> make(const std::string& name, KeyRole role, const std::string& file,
                       std::vector<PublicKey> coordinators = {}) const {
    return make_key(folder_, {name, role, file, std::move(coordinators)}, kToday);
  }
};

TEST_F(NewKey, in_a_farms_folder_is_allowed_and_knows_the_coordinator) {
  const PublicKey coordinator = make_coordinator();
  const std::string path = folder_.file_of("laptop");
  const auto made = make("laptop", KeyRole::client, path);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(made->allowed);
  EXPECT_EQ(name_of(made->key), "laptop");
  EXPECT_THAT(read(path).coordinators, ElementsAre(coordinator));
  EXPECT_EQ(read(path).keys.public_key, made->key);
  EXPECT_EQ(read(path).role, KeyRole::client);
}

TEST_F(NewKey, elsewhere_is_a_file_and_no_more) {
  const PublicKey coordinator = auth::make_key_pair()->public_key;
  const std::string path = elsewhere("config/kiln/key.toml");
  const auto made = make("laptop", KeyRole::client, path, {coordinator});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made->allowed);
  EXPECT_THAT(read(path).coordinators, ElementsAre(coordinator));
  EXPECT_FALSE(std::filesystem::exists(folder_.path()));
}

TEST_F(NewKey, may_know_the_next_coordinator_too) {
  const PublicKey coordinator = make_coordinator();
  const PublicKey next = auth::make_key_pair()->public_key;
  const auto made = make("laptop", KeyRole::client, elsewhere("a"), {next, coordinator});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->coordinators, ElementsAre(next, coordinator));
}

TEST_F(NewKey, of_a_coordinator_is_nobodys_client) {
  make_coordinator();
  const auto made = make("coordinator", KeyRole::coordinator, folder_.path() + "/next.key");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made->allowed);
  EXPECT_EQ(name_of(made->key), "");
  EXPECT_THAT(read(folder_.path() + "/next.key").coordinators, IsEmpty());
}

TEST_F(NewKey, leaves_nothing_behind_when_it_fails) {
  make_coordinator();
  ASSERT_TRUE(make("laptop", KeyRole::client, folder_.file_of("laptop")));
  EXPECT_THAT(make("laptop", KeyRole::client, elsewhere("a")).error().message,
              HasSubstr("another key called laptop"));
  EXPECT_FALSE(std::filesystem::exists(elsewhere("a")));
  EXPECT_EQ(make("desk", KeyRole::client, folder_.file_of("laptop")).error().code,
            Errc::already_exists);
  EXPECT_EQ(auth::load_allowed(folder_.allowed_file())->find("desk"), nullptr);
}

TEST_F(NewKey, needs_a_folder_where_nobody_else_may_write) {
  make_coordinator();
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0777));
  EXPECT_EQ(make("laptop", KeyRole::client, elsewhere("a")).error().code, Errc::permission_denied);
}

class Trust : public KeysTest {
 protected:
  std::string file() const {
    const std::string path = elsewhere("a.key");
    EXPECT_TRUE(auth::write_key_file(path, {"a", KeyRole::worker, *auth::make_key_pair(), {}}));
    return path;
  }
  const PublicKey now_ = auth::make_key_pair()->public_key;
  const PublicKey next_ = auth::make_key_pair()->public_key;
};

TEST_F(Trust, goes_from_one_coordinator_to_the_next) {
  const std::string path = file();
  EXPECT_EQ(trust(path, now_), true);
  EXPECT_EQ(trust(path, now_), false);
  EXPECT_EQ(trust(path, next_), true);
  EXPECT_THAT(read(path).coordinators, ElementsAre(now_, next_));
  EXPECT_EQ(distrust(path, now_), true);
  EXPECT_EQ(distrust(path, now_), false);
  EXPECT_THAT(read(path).coordinators, ElementsAre(next_));
}

TEST_F(Trust, the_last_coordinator_stays) {
  const std::string path = file();
  ASSERT_TRUE(trust(path, now_));
  EXPECT_THAT(distrust(path, now_).error().message, HasSubstr("names no other coordinator"));
  EXPECT_THAT(read(path).coordinators, ElementsAre(now_));
}

TEST_F(Trust, is_not_for_coordinators_nor_in_oneself) {
  const std::string path = file();
  EXPECT_THAT(trust(path, read(path).keys.public_key).error().message,
              HasSubstr("and no coordinator's"));
  make_coordinator();
  EXPECT_THAT(trust(folder_.coordinator_file(), next_).error().message, HasSubstr("trusts nobody"));
  EXPECT_EQ(trust(elsewhere("none"), next_).error().code, Errc::not_found);
}

}  // namespace
}  // namespace kiln::client
