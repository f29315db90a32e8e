// What a farm needs before its first start: a coordinator's key, and one of each other role.
#pragma once

#include <string>
#include <vector>

#include "client/keys/key_folder.h"
#include "common/base/result.h"

namespace kiln::client {

struct FirstKey {
  enum class State {
    made,     // now, and allowed
    kept,     // it was there
    mended,   // it was there, but not allowed, or did not know the coordinator's key
    revoked,  // it was there, and stays revoked
  };
  std::string name;
  std::string file;
  State state = State::kept;
};

// Makes what `folder` lacks of coordinator.key, worker.key, client.key and admin.key, and allows
// them. What is there stays; several may do this at once. Errc::not_found when a key is allowed
// whose file is gone.
Result<std::vector<FirstKey>> make_first_keys(const KeyFolder& folder, auth::Day today);

}  // namespace kiln::client
