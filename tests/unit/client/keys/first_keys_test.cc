#include "client/keys/first_keys.h"

#include <filesystem>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/auth/private_file.h"
#include "tests/unit/client/keys/keys_test.h"

namespace kiln::client {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using State = FirstKey::State;

class FirstKeys : public KeysTest {
 protected:
  std::vector<State> init() const {
    const auto keys = make_first_keys(folder_, kToday);
    EXPECT_TRUE(keys) << keys.error().message;
    std::vector<State> states;
    if (keys) {
      for (const auto& key : *keys) states.push_back(key.state);
    }
    return states;
  }
  std::string failure() const {
    const auto keys = make_first_keys(folder_, kToday);
    return keys ? "no error" : keys.error().message;
  }
  PublicKey key(const std::string& name) const {
    return read(folder_.file_of(name)).keys.public_key;
  }
};

TEST_F(FirstKeys, are_one_of_each_role_which_know_one_another) {
  EXPECT_THAT(init(), ElementsAre(State::made, State::made, State::made, State::made));
  for (const auto role : {KeyRole::worker, KeyRole::client, KeyRole::admin}) {
    const std::string name(role_name(role));
    const auto file = read(folder_.file_of(name));
    EXPECT_EQ(file.role, role);
    EXPECT_EQ(name_of(file.keys.public_key), name);
    EXPECT_THAT(file.coordinators, ElementsAre(key("coordinator")));
  }
  EXPECT_EQ(name_of(key("coordinator")), "");
}

TEST_F(FirstKeys, stay_when_they_are_there) {
  init();
  const PublicKey before = key("client");
  EXPECT_THAT(init(), Each(State::kept));
  EXPECT_EQ(key("client"), before);
}

TEST_F(FirstKeys, that_are_revoked_stay_so_until_their_file_is_removed) {
  init();
  const PublicKey before = key("client");
  ASSERT_TRUE(revoke_key(folder_, "client", kToday));
  EXPECT_THAT(init(), ElementsAre(State::kept, State::kept, State::revoked, State::kept));
  EXPECT_EQ(name_of(before), "");
  std::filesystem::remove(folder_.file_of("client"));
  EXPECT_THAT(init(), ElementsAre(State::kept, State::kept, State::made, State::kept));
  EXPECT_EQ(name_of(key("client")), "client");
  EXPECT_EQ(name_of(before), "");
}

// As when the power fails between the two.
TEST_F(FirstKeys, that_were_made_but_not_yet_allowed_are_allowed) {
  init();
  std::filesystem::remove(folder_.allowed_file());
  EXPECT_THAT(init(), ElementsAre(State::kept, State::mended, State::mended, State::mended));
  EXPECT_EQ(name_of(key("worker")), "worker");
}

TEST_F(FirstKeys, learn_a_coordinators_key_that_was_made_anew) {
  init();
  const PublicKey before = key("coordinator");
  std::filesystem::remove(folder_.coordinator_file());
  EXPECT_THAT(init(), ElementsAre(State::made, State::mended, State::mended, State::mended));
  EXPECT_THAT(read(folder_.file_of("worker")).coordinators,
              ElementsAre(before, key("coordinator")));
}

TEST_F(FirstKeys, whose_file_is_lost_have_to_be_revoked_first) {
  init();
  std::filesystem::remove(folder_.file_of("worker"));
  EXPECT_THAT(failure(), HasSubstr("kiln keys revoke worker"));
  EXPECT_FALSE(std::filesystem::exists(folder_.file_of("worker")));
  ASSERT_TRUE(revoke_key(folder_, "worker", kToday));
  EXPECT_THAT(init(), ElementsAre(State::kept, State::made, State::kept, State::kept));
}

TEST_F(FirstKeys, are_not_made_of_files_of_another_role_or_that_others_may_read) {
  init();
  std::filesystem::copy(folder_.file_of("client"), elsewhere("copy"));
  std::filesystem::permissions(elsewhere("copy"), std::filesystem::perms(0600));
  std::filesystem::rename(elsewhere("copy"), folder_.file_of("worker"));
  EXPECT_THAT(failure(), HasSubstr("is of the role client and not worker"));
  std::filesystem::permissions(folder_.coordinator_file(), std::filesystem::perms(0644));
  EXPECT_THAT(failure(), HasSubstr("chmod 600 " + folder_.coordinator_file()));
}

TEST_F(FirstKeys, may_be_made_by_several_at_once) {
  constexpr int kAtOnce = 6;
  std::vector<std::future<std::vector<State>>> all;
  for (int i = 0; i < kAtOnce; ++i)
    all.push_back(std::async(std::launch::async, [this] { return init(); }));
  int made = 0;
  for (auto& one : all) {
    for (const State state : one.get()) made += state == State::made ? 1 : 0;
  }
  EXPECT_EQ(made, 4);
  EXPECT_THAT(init(), Each(State::kept));
  EXPECT_EQ(auth::load_allowed(folder_.allowed_file())->all().size(), 3U);
}

}  // namespace
}  // namespace kiln::client
