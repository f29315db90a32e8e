// The words of `kiln keys`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/model/key.h"

namespace kiln::client {

struct KeyCommand {
  enum class Action { make, allow, revoke, list, init, trust, distrust };
  Action action = Action::list;
  std::string name;  // of make and allow; of revoke a name or a public key
  std::optional<KeyRole> role;
  std::string directory;           // --dir; empty: not given
  std::string out;                 // --out; empty: not given
  PublicKey key;                   // of allow, trust and distrust
  std::vector<PublicKey> trusted;  // --coordinator
  std::vector<std::string> files;  // of trust and distrust
  bool json = false;
};

// `words` begins with "keys". Errc::invalid_argument names the word that is wrong, but never one
// that may be a secret key.
Result<KeyCommand> parse_key_words(const std::vector<std::string>& words);

}  // namespace kiln::client
