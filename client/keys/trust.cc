#include "client/keys/trust.h"

#include <algorithm>

#include "common/auth/key_file.h"

namespace kiln::client {
namespace {

Status check_may_trust(const std::string& path, const auth::KeyFile& file,
                       const PublicKey& coordinator) {
  if (file.role == KeyRole::coordinator) {
    return fail(Errc::invalid_argument, path + " is a coordinator's own key, and trusts nobody");
  }
  if (file.keys.public_key == coordinator) {
    return fail(Errc::invalid_argument,
                "that is the public key of " + path + " itself, and no coordinator's");
  }
  return {};
}

}  // namespace

Result<bool> trust(const std::string& path, const PublicKey& coordinator) {
  bool changed = false;
  const auto add = [&](auth::KeyFile& file) -> Status {
    KILN_TRY(check_may_trust(path, file, coordinator));
    changed = !file.knows(coordinator);
    if (changed) file.coordinators.push_back(coordinator);
    return {};
  };
  KILN_TRY(auth::change_key_file(path, add));
  return changed;
}

Result<bool> distrust(const std::string& path, const PublicKey& coordinator) {
  bool changed = false;
  KILN_TRY(auth::change_key_file(path, [&](auth::KeyFile& file) -> Status {
    changed = std::erase(file.coordinators, coordinator) > 0;
    if (!changed || !file.coordinators.empty()) return {};
    return fail(Errc::invalid_argument, path +
                                            " names no other coordinator; first put in the next "
                                            "one's key by kiln keys trust");
  }));
  return changed;
}

}  // namespace kiln::client
