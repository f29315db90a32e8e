#include "client/keys/first_keys.h"

#include <array>

#include "client/keys/trust.h"
#include "common/auth/allowed_file.h"
#include "common/auth/key_file.h"
#include "common/auth/keys.h"

namespace kiln::client {
namespace {

constexpr std::array kOthers = {KeyRole::worker, KeyRole::client, KeyRole::admin};

struct Present {
  auth::KeyFile file;
  bool made = false;
};

// Of several that make one file at once, one does, and the others find it.
Result<Present> read_or_make(const std::string& path, auth::KeyFile wanted) {
  auto file = auth::read_key_file(path);
  if (file) return Present{std::move(*file), false};
  if (file.error().code != Errc::not_found) return fail(file.error());
  KILN_TRY_ASSIGN(wanted.keys, auth::make_key_pair());
  const auto written = auth::write_key_file(path, wanted);
  if (written) return Present{std::move(wanted), true};
  if (written.error().code != Errc::already_exists) return fail(written.error());
  KILN_TRY_ASSIGN(wanted, auth::read_key_file(path));
  return Present{std::move(wanted), false};
}

Status check_role(const std::string& path, KeyRole is, KeyRole should_be) {
  if (is == should_be) return {};
  return fail(Errc::invalid_argument, path + " is of the role " + std::string(role_name(is)) +
                                          " and not " + std::string(role_name(should_be)) +
                                          "; move it away");
}

// Whose file was lost, the farm still lets in, and no other key gets that name.
Status check_not_lost(const KeyFolder& folder, const std::string& name) {
  const auto keys = auth::load_allowed(folder.allowed_file());
  if (!keys) return keys.error().code == Errc::not_found ? Status() : fail(keys.error());
  const auto* named = keys->find(name);
  if (named == nullptr || named->revoked) return {};
  const std::string path = folder.file_of(name);
  // It may just have been made, and its file comes first.
  const auto file = auth::read_key_file(path);
  if (file || file.error().code != Errc::not_found) return {};
  return fail(Errc::not_found, path +
                                   " is gone, though its key is allowed: bring it back, or kiln "
                                   "keys revoke " +
                                   name + " and do this again");
}

Result<FirstKey> make_first(const KeyFolder& folder, KeyRole role, const PublicKey& coordinator,
                            auth::Day today) {
  const std::string name(role_name(role));
  FirstKey first{name, folder.file_of(name), FirstKey::State::kept};
  KILN_TRY(check_not_lost(folder, name));
  KILN_TRY_ASSIGN(const Present present, read_or_make(first.file, {name, role, {}, {coordinator}}));
  KILN_TRY(check_role(first.file, present.file.role, role));
  KILN_TRY_ASSIGN(const bool taught, trust(first.file, coordinator));
  bool allowed = false;
  bool revoked = false;
  KILN_TRY(auth::change_allowed(folder.allowed_file(), [&](auth::AllowedKeys& keys) -> Status {
    const auto* found = keys.find(present.file.keys.public_key);
    revoked = found != nullptr && found->revoked;
    if (found != nullptr) return {};
    KILN_TRY_ASSIGN(allowed,
                    keys.allow({present.file.name, role, present.file.keys.public_key, today, {}}));
    return {};
  }));
  first.state = revoked             ? FirstKey::State::revoked
                : present.made      ? FirstKey::State::made
                : allowed || taught ? FirstKey::State::mended
                                    : FirstKey::State::kept;
  return first;
}

}  // namespace

Result<std::vector<FirstKey>> make_first_keys(const KeyFolder& folder, auth::Day today) {
  KILN_TRY(folder.prepare());
  const std::string path = folder.coordinator_file();
  KILN_TRY_ASSIGN(const Present coordinator,
                  read_or_make(path, {"coordinator", KeyRole::coordinator, {}, {}}));
  KILN_TRY(check_role(path, coordinator.file.role, KeyRole::coordinator));
  std::vector<FirstKey> keys{
      {"coordinator", path, coordinator.made ? FirstKey::State::made : FirstKey::State::kept}};
  for (const auto role : kOthers) {
    KILN_TRY_ASSIGN(auto key, make_first(folder, role, coordinator.file.keys.public_key, today));
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace kiln::client
