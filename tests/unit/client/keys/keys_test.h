// A farm's folder of keys in a directory of the test's own.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "client/keys/key_folder.h"
#include "common/auth/allowed_file.h"
#include "common/auth/key_file.h"
#include "common/auth/keys.h"
#include "tests/support/temporary_directory.h"

namespace kiln::client {

inline constexpr auth::Day kToday = std::chrono::year(2026) / 11 / 27;

class KeysTest : public testing::Test {
 protected:
  auth::KeyFile read(const std::string& path) const {
    const auto file = auth::read_key_file(path);
    EXPECT_TRUE(file) << file.error().message;
    return file.value_or(auth::KeyFile{});
  }
  // "" when it may not come in.
  std::string name_of(const PublicKey& key) const {
    const auto keys = auth::load_allowed(folder_.allowed_file());
    const auto* found = keys ? keys->find(key) : nullptr;
    return found == nullptr || found->revoked ? "" : found->name;
  }
  PublicKey make_coordinator() const {
    const auto pair = *auth::make_key_pair();
    EXPECT_TRUE(auth::write_key_file(folder_.coordinator_file(),
                                     {"coordinator", KeyRole::coordinator, pair, {}}));
    return pair.public_key;
  }
  std::string elsewhere(const std::string& name) const { return directory_.path() / name; }

  test_support::TemporaryDirectory directory_;
  const KeyFolder folder_{directory_.path() / "keys"};
};

}  // namespace kiln::client
