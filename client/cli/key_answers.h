// What `kiln keys` says of what it did; never a secret. Lines to be copied stand alone and are
// never broken.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "client/keys/first_keys.h"
#include "client/keys/key_folder.h"
#include "client/keys/new_key.h"

namespace kiln::client {

// What there is in a farm's folder.
struct KeyList {
  std::string directory;
  std::optional<PublicKey> coordinator;
  std::vector<auth::AllowedKey> keys;
};

std::string tell_made(const WantedKey& wanted, const MadeKey& made);
// `coordinator`: of the farm that allows the key, if it has one.
std::string tell_allowed(const auth::AllowedKey& key, bool is_new,
                         const std::optional<PublicKey>& coordinator);
std::string tell_revoked(const Revoked& revoked);
std::string tell_first_keys(const std::vector<FirstKey>& keys, const std::string& directory,
                            std::size_t width);
std::string tell_list(const KeyList& list, std::size_t width);
// {directory, coordinator or null, keys: [{name, role, since, state, revoked or null, key}]}.
std::string list_json(const KeyList& list);

}  // namespace kiln::client
