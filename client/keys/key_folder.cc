#include "client/keys/key_folder.h"

#include <unistd.h>

#include "common/auth/allowed_file.h"
#include "common/auth/key_file.h"
#include "common/auth/keys.h"
#include "common/auth/private_file.h"

namespace kiln::client {
namespace {

// Public keys end with =, and names never do.
const auth::AllowedKey* find(const auth::AllowedKeys& keys, const std::string& name_or_key) {
  const auto key = auth::parse_public_key(name_or_key);
  return key ? keys.find(*key) : keys.find(name_or_key);
}

}  // namespace

Result<std::optional<PublicKey>> KeyFolder::coordinator() const {
  if (::access(coordinator_file().c_str(), R_OK) != 0) return std::nullopt;
  KILN_TRY_ASSIGN(const auto file, auth::read_key_file(coordinator_file()));
  if (file.role == KeyRole::coordinator) return file.keys.public_key;
  return fail(Errc::invalid_argument, coordinator_file() + " is a " +
                                          std::string(role_name(file.role)) +
                                          "'s key and no coordinator's; move it away");
}

Status KeyFolder::prepare() const {
  auto made = auth::make_private_directory(path_);
  if (made) made = auth::check_private_directory(path_);
  if (made || made.error().code != Errc::permission_denied) return made;
  return fail(made.error().code, made.error().message +
                                     "; the folder of keys is --dir DIR, else $KILN_KEYS_DIR, else "
                                     "/etc/kiln/keys");
}

Result<bool> allow_key(const KeyFolder& folder, const auth::AllowedKey& key) {
  KILN_TRY(folder.prepare());
  bool is_new = false;
  KILN_TRY(auth::change_allowed(folder.allowed_file(), [&](auth::AllowedKeys& keys) -> Status {
    KILN_TRY_ASSIGN(is_new, keys.allow(key));
    return {};
  }));
  return is_new;
}

Result<Revoked> revoke_key(const KeyFolder& folder, const std::string& name_or_key,
                           auth::Day today) {
  KILN_TRY(auth::check_private_directory(folder.path()));
  Revoked revoked;
  KILN_TRY(auth::change_allowed(folder.allowed_file(), [&](auth::AllowedKeys& keys) -> Status {
    const auto* found = find(keys, name_or_key);
    if (found == nullptr) {
      return fail(Errc::not_found,
                  folder.allowed_file() + " has no such key; kiln keys list shows all that it has");
    }
    KILN_TRY_ASSIGN(const bool is_new, keys.revoke(found->key, today));
    revoked = {*found, !is_new};
    return {};
  }));
  return revoked;
}

}  // namespace kiln::client
