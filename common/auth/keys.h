// Making keys, and keys as text: base64 of 44 characters, as WireGuard's users know them.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/model/key.h"

namespace kiln::auth {

// A fresh pair; Errc::internal when the system's random source fails.
Result<KeyPair> make_key_pair();

// The public key that belongs to `secret`.
PublicKey public_key_of(const SecretKey& secret);

std::string key_text(const PublicKey& key);
// For the owner's file and nothing else: never for a log, an error or a command line.
std::string secret_text(const SecretKey& secret);

// Errc::invalid_argument for everything that key_text() does not write. Errors never quote the
// text: whoever mixes up his keys must not find the secret one in a log.
Result<PublicKey> parse_public_key(std::string_view text);
Result<SecretKey> parse_secret_key(std::string_view text);

// The role of that name, see role_name(). Errc::invalid_argument names the roles.
Result<KeyRole> parse_role(std::string_view name);

// Names of keys: 1 to 64 letters, digits and ._-, not beginning with - or a dot, since they are
// also words of commands and files.
Status check_key_name(std::string_view name);

}  // namespace kiln::auth
