#include "client/cli/keys.h"

#include "client/cli/key_answers.h"
#include "client/cli/table.h"
#include "client/keys/trust.h"
#include "common/auth/allowed_file.h"

namespace kiln::client {
namespace {

using KeyAction = KeyCommand::Action;

constexpr const char* kFarmsFolder = "/etc/kiln/keys";

KeyFolder folder_of(const KeyCommand& command, const Environment& environment) {
  std::string path = command.directory;
  if (path.empty()) path = value_of(environment, "KILN_KEYS_DIR");
  if (path.empty()) path = kFarmsFolder;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return KeyFolder(path);
}

Result<std::string> make(const KeyCommand& command, const KeyFolder& folder, auth::Day today) {
  const WantedKey wanted{command.name, command.role.value_or(KeyRole::client),
                         command.out.empty() ? folder.file_of(command.name) : command.out,
                         command.trusted};
  KILN_TRY_ASSIGN(const MadeKey made, make_key(folder, wanted, today));
  return tell_made(wanted, made);
}

Result<std::string> allow(const KeyCommand& command, const KeyFolder& folder, auth::Day today) {
  const auth::AllowedKey key{
      command.name, command.role.value_or(KeyRole::client), command.key, today, {}};
  KILN_TRY_ASSIGN(const bool is_new, allow_key(folder, key));
  KILN_TRY_ASSIGN(const auto coordinator, folder.coordinator());
  return tell_allowed(key, is_new, coordinator);
}

Result<std::string> list(const KeyFolder& folder, bool as_json, std::size_t width) {
  auto keys = auth::load_allowed(folder.allowed_file());
  if (!keys && keys.error().code == Errc::not_found) {
    return fail(Errc::not_found, "there are no farm's keys in " + folder.path() +
                                     "; name their folder with --dir DIR or in KILN_KEYS_DIR, or "
                                     "make them by kiln keys init");
  }
  if (!keys) return fail(keys.error());
  KILN_TRY_ASSIGN(const auto coordinator, folder.coordinator());
  const KeyList all{folder.path(), coordinator, keys->all()};
  return as_json ? list_json(all) : tell_list(all, width);
}

Result<std::string> do_one(const KeyCommand& command, const KeyFolder& folder, std::size_t width,
                           auth::Day today) {
  switch (command.action) {
    case KeyAction::make:
      return make(command, folder, today);
    case KeyAction::allow:
      return allow(command, folder, today);
    case KeyAction::revoke: {
      KILN_TRY_ASSIGN(const auto revoked, revoke_key(folder, command.name, today));
      return tell_revoked(revoked);
    }
    case KeyAction::init: {
      KILN_TRY_ASSIGN(const auto keys, make_first_keys(folder, today));
      return tell_first_keys(keys, folder.path(), width);
    }
    case KeyAction::list:
    case KeyAction::trust:
    case KeyAction::distrust:
      break;
  }
  return list(folder, command.json, width);
}

// What can be done of several files is done.
KeysDone change_trust(const KeyCommand& command) {
  KeysDone done;
  const bool trusts = command.action == KeyAction::trust;
  for (const auto& file : command.files) {
    const auto changed = trusts ? trust(file, command.key) : distrust(file, command.key);
    if (!changed) {
      done.problems.push_back(changed.error());
      continue;
    }
    const std::string how = trusts ? (*changed ? " now trusts" : " trusted already")
                                   : (*changed ? " no longer trusts" : " did not trust");
    done.text += for_shell(file) + how + " that coordinator\n";
  }
  return done;
}

}  // namespace

KeysDone do_keys(const KeyCommand& command, const Environment& environment, std::size_t width,
                 auth::Day today) {
  if (command.action == KeyAction::trust || command.action == KeyAction::distrust)
    return change_trust(command);
  const auto text = do_one(command, folder_of(command, environment), width, today);
  if (text) return {*text, {}};
  return {"", {text.error()}};
}

}  // namespace kiln::client
