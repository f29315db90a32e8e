// A key file: what a program or a person proves with who it is. TOML, made for people to read:
//
//   name = "laptop"
//   role = "client"
//   public = "…"
//   secret = "…"
//   coordinator = ["…"]
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/model/key.h"

namespace kiln::auth {

struct KeyFile {
  std::string name;
  KeyRole role = KeyRole::client;
  KeyPair keys;
  // By which its owner knows the farm's coordinators; any of them is good, so that a coordinator's
  // key can be replaced. Empty in a coordinator's own file, and where none has been put in yet.
  std::vector<PublicKey> coordinators;

  bool knows(const PublicKey& coordinator) const;
};

// With a head that says whose it is and what its owner may do. Holds the secret.
std::string key_file_text(const KeyFile& file);

// Errors begin with `path` and tell which field is missing or wrong, never what is in it. Fields
// that are not known are ignored: they are of a later version.
Result<KeyFile> parse_key_file(std::string_view text, const std::string& path);

// Errc::permission_denied when others may read or write it, or it is neither this user's nor
// root's; errors say what to do. Reads a disk.
Result<KeyFile> read_key_file(const std::string& path);

// A new file of mode 0600, whole or not at all; makes its directory. Errc::already_exists when
// there is one of that name.
Status write_key_file(const std::string& path, const KeyFile& file);

// Reads, changes and replaces a file, one process at a time; comments of people's own go.
Status change_key_file(const std::string& path, const std::function<Status(KeyFile&)>& change);

}  // namespace kiln::auth
