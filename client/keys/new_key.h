// Making one key.
#pragma once

#include <string>
#include <vector>

#include "client/keys/key_folder.h"
#include "common/base/result.h"

namespace kiln::client {

struct WantedKey {
  std::string name;
  KeyRole role = KeyRole::client;
  std::string file;
  std::vector<PublicKey> coordinators;  // besides that of the folder
};

struct MadeKey {
  PublicKey key;
  bool allowed = false;                 // the farm of the folder knows it already
  std::vector<PublicKey> coordinators;  // that the new file names
};

// Makes a key and writes its file. Where `folder` is a farm's, the key is allowed there (but a
// coordinator's, which is nobody's client), and knows that farm's coordinator. Nothing is left
// behind when it fails. Errc::already_exists when the file or the name is taken.
Result<MadeKey> make_key(const KeyFolder& folder, const WantedKey& wanted, auth::Day today);

}  // namespace kiln::client
