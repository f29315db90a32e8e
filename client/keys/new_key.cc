#include "client/keys/new_key.h"

#include <algorithm>

#include <unistd.h>

#include "common/auth/allowed_file.h"
#include "common/auth/key_file.h"
#include "common/auth/keys.h"

namespace kiln::client {
namespace {

// A key that nobody can use is worse than none, and one that is allowed without a file as bad. So
// the file is written while the list is locked, before that is replaced.
Status write_and_allow(const KeyFolder& folder, const std::string& path, const auth::KeyFile& file,
                       auth::Day today) {
  bool written = false;
  auto allowed =
      auth::change_allowed(folder.allowed_file(), [&](auth::AllowedKeys& keys) -> Status {
        KILN_TRY(keys.allow({file.name, file.role, file.keys.public_key, today, {}}));
        KILN_TRY(auth::write_key_file(path, file));
        written = true;
        return {};
      });
  if (!allowed && written) ::unlink(path.c_str());
  return allowed;
}

}  // namespace

Result<MadeKey> make_key(const KeyFolder& folder, const WantedKey& wanted, auth::Day today) {
  auth::KeyFile file{wanted.name, wanted.role, {}, wanted.coordinators};
  KILN_TRY_ASSIGN(file.keys, auth::make_key_pair());
  MadeKey made;
  made.key = file.keys.public_key;
  if (wanted.role != KeyRole::coordinator) {
    KILN_TRY_ASSIGN(const auto coordinator, folder.coordinator());
    if (coordinator && !file.knows(*coordinator)) file.coordinators.push_back(*coordinator);
    made.allowed = coordinator.has_value();
  }
  made.coordinators = file.coordinators;
  const bool in_folder = wanted.file == folder.file_of(wanted.name);
  if (made.allowed || in_folder) KILN_TRY(folder.prepare());
  KILN_TRY(made.allowed ? write_and_allow(folder, wanted.file, file, today)
                        : auth::write_key_file(wanted.file, file));
  return made;
}

}  // namespace kiln::client
