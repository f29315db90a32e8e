#include "client/cli/key_answers.h"

#include <nlohmann/json.hpp>

#include "client/cli/answer_text.h"
#include "client/cli/table.h"
#include "common/auth/keys.h"

namespace kiln::client {
namespace {

// "a client", "an admin".
std::string a_role(KeyRole role) {
  return (role == KeyRole::admin ? "an " : "a ") + std::string(role_name(role));
}

std::string a_public_key(const PublicKey& key) {
  return "public key  " + auth::key_text(key) + "\n";
}

// How the owner of a key uses its file.
std::string use_of(KeyRole role) {
  if (role == KeyRole::worker) {
    return "Copy it to the worker's machine with mode 0600, and name it there to\n"
           "kiln-worker --key-file FILE.\n";
  }
  return "Copy it to the user's machine with mode 0600 as ~/.config/kiln/key.toml, or\n"
         "name it there in KILN_KEY_FILE. Then remove it here: the farm needs no\n"
         "secrets of others.\n";
}

std::string tell_strangers(const WantedKey& wanted, const MadeKey& made) {
  std::string text =
      "\nThe farm does not know it yet. Its operator runs, where the farm's keys are:\n"
      "  kiln keys allow " +
      wanted.name + " " + auth::key_text(made.key) + " --role " +
      std::string(role_name(wanted.role)) + "\n";
  if (!made.coordinators.empty()) return text;
  return text +
         "It does not know the farm yet. The operator reads the coordinator's public\n"
         "key in kiln keys list, which is no secret; then run here:\n"
         "  kiln keys trust COORDINATORS-PUBLIC-KEY " +
         for_shell(wanted.file) +
         "\n"
         "(or make the key with --coordinator COORDINATORS-PUBLIC-KEY at once).\n";
}

const char* told(FirstKey::State state) {
  switch (state) {
    case FirstKey::State::made:
      return "made";
    case FirstKey::State::kept:
      return "was there";
    case FirstKey::State::mended:
      return "mended";
    case FirstKey::State::revoked:
      return "revoked";
  }
  return "";
}

std::string state_of(const auth::AllowedKey& key) {
  return key.revoked ? "revoked " + auth::day_text(*key.revoked) : "allowed";
}

}  // namespace

std::string tell_made(const WantedKey& wanted, const MadeKey& made) {
  const std::string file = for_shell(wanted.file);
  const std::string what =
      made.allowed ? ", and allowed it as " + a_role(wanted.role) : ", " + a_role(wanted.role);
  const std::string head =
      "made " + file + what + (made.allowed ? "\n" : "'s key\n") + a_public_key(made.key);
  if (made.allowed) return head + "\n" + use_of(wanted.role);
  if (wanted.role != KeyRole::coordinator) return head + tell_strangers(wanted, made);
  return head + "\nThe farm's others shall know it before a coordinator uses it:\n" +
         "  kiln keys trust " + auth::key_text(made.key) + " FILE...\n";
}

std::string tell_allowed(const auth::AllowedKey& key, bool is_new,
                         const std::optional<PublicKey>& coordinator) {
  std::string text = is_new ? "allowed " + key.name + " as " + a_role(key.role) + "\n"
                            : key.name + " was allowed already, as " + a_role(key.role) + "\n";
  if (!coordinator) return text;
  return text + "Its key file must name this farm's coordinator. Where that file is:\n" +
         "  kiln keys trust " + auth::key_text(*coordinator) + " FILE\n";
}

std::string tell_revoked(const Revoked& revoked) {
  const std::string who = revoked.key.name + ", " + a_role(revoked.key.role);
  if (!revoked.before) return "revoked " + who + ": nobody comes in with that key any more\n";
  return who + ", was revoked on " + auth::day_text(revoked.key.revoked.value_or(auth::Day())) +
         " already\n";
}

std::string tell_first_keys(const std::vector<FirstKey>& keys, const std::string& directory,
                            std::size_t width) {
  Table table(
      {{"KEY", Align::left, false}, {"STATE", Align::left, false}, {"FILE", Align::left, true}});
  std::string notes;
  for (const auto& key : keys) {
    table.add({key.name, told(key.state), key.file});
    if (key.state != FirstKey::State::revoked) continue;
    notes += key.name + " is revoked; for a new one remove that file and do this again\n";
  }
  return table.text(width) + notes +
         "\nA client gets a key of its own, which can be revoked alone, by\n"
         "  kiln keys new NAME --role client --dir " +
         for_shell(directory) +
         "\n"
         "and uses the file as ~/.config/kiln/key.toml, or names it in KILN_KEY_FILE.\n"
         "client.key is one that is allowed already.\n";
}

std::string tell_list(const KeyList& list, std::size_t width) {
  Table table({{"NAME", Align::left, true},
               {"ROLE", Align::left, false},
               {"SINCE", Align::left, false},
               {"STATE", Align::left, false},
               {"PUBLIC KEY", Align::left, true}});
  for (const auto& key : list.keys) {
    table.add({key.name, std::string(role_name(key.role)), auth::day_text(key.since), state_of(key),
               auth::key_text(key.key)});
  }
  std::string text = table.empty() ? "no keys\n" : table.text(width);
  if (list.coordinator) text += "\nthe coordinator's " + a_public_key(*list.coordinator);
  return text;
}

std::string list_json(const KeyList& list) {
  Json keys = Json::array();
  for (const auto& key : list.keys) {
    keys.push_back({{"name", key.name},
                    {"role", role_name(key.role)},
                    {"since", auth::day_text(key.since)},
                    {"state", key.revoked ? "revoked" : "allowed"},
                    {"revoked", key.revoked ? Json(auth::day_text(*key.revoked)) : Json()},
                    {"key", auth::key_text(key.key)}});
  }
  const Json all = {
      {"directory", list.directory},
      {"coordinator", list.coordinator ? Json(auth::key_text(*list.coordinator)) : Json()},
      {"keys", keys}};
  // A path may be of any bytes.
  return all.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kiln::client
