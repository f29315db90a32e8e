#include "client/cli/key_words.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "client/cli/word_reader.h"
#include "client/launcher/invocation.h"
#include "common/auth/keys.h"

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;
using KeyAction = KeyCommand::Action;

struct Form {
  const char* word;
  KeyAction action;
  std::size_t fewest;  // words that are no options
  std::size_t most;
  std::vector<std::string> options;
  const char* example;
};

constexpr std::size_t kAnyNumber = 1'000'000;

const std::vector<Form>& forms() {
  static const std::vector<Form> kForms = {
      {"new",
       KeyAction::make,
       1,
       1,
       {"--role", "--dir", "--out", "--coordinator"},
       "kiln keys new laptop --role client"},
      {"allow",
       KeyAction::allow,
       2,
       2,
       {"--role", "--dir"},
       "kiln keys allow laptop PUBLIC-KEY --role client"},
      {"revoke", KeyAction::revoke, 1, 1, {"--dir"}, "kiln keys revoke laptop"},
      {"list", KeyAction::list, 0, 0, {"--dir", "--json"}, "kiln keys list"},
      {"init", KeyAction::init, 0, 0, {"--dir"}, "kiln keys init"},
      {"trust", KeyAction::trust, 2, kAnyNumber, {}, "kiln keys trust PUBLIC-KEY FILE"},
      {"distrust", KeyAction::distrust, 2, kAnyNumber, {}, "kiln keys distrust PUBLIC-KEY FILE"},
  };
  return kForms;
}

Result<const Form*> form_of(const Words& words) {
  Words known;
  for (const auto& form : forms()) {
    if (words.size() > 1 && words[1] == form.word) return &form;
    known.emplace_back(form.word);
  }
  if (words.size() < 2) {
    return fail(Errc::invalid_argument,
                "kiln keys: say what to do with keys: new, allow, revoke, list, init, trust or "
                "distrust");
  }
  std::string text = "kiln keys: unknown action '" + words[1] + "'";
  if (const auto near = nearest_word(words[1], known); !near.empty())
    text += "; did you mean '" + near + "'?";
  return fail(Errc::invalid_argument, text + " (kiln keys --help lists them)");
}

Status set_option(KeyCommand& command, const std::string& option, const std::string& value) {
  if (value.empty()) return fail(Errc::invalid_argument, "it needs a value after it");
  if (option == "--dir") {
    command.directory = value;
  } else if (option == "--out") {
    command.out = value;
  } else if (option == "--role") {
    KILN_TRY_ASSIGN(command.role, auth::parse_role(value));
  } else {
    KILN_TRY_ASSIGN(const auto key, auth::parse_public_key(value));
    command.trusted.push_back(key);
  }
  return {};
}

Status read_words(WordReader& reader, const Form& form, KeyCommand& command, Words& others) {
  while (!reader.done()) {
    const std::string option = reader.option();
    if (option.empty()) {
      others.push_back(reader.take());
      continue;
    }
    if (std::find(form.options.begin(), form.options.end(), option) == form.options.end()) {
      Words known = form.options;
      known.emplace_back("--help");
      return fail(reader.unknown(known));
    }
    if (option == "--json") {
      reader.take();
      command.json = true;
      continue;
    }
    KILN_TRY_ASSIGN(const auto value, reader.value());
    const auto set = set_option(command, option, value);
    if (!set) return fail(reader.wrong(option + ": " + set.error().message));
  }
  if (others.size() >= form.fewest && others.size() <= form.most) return {};
  return fail(reader.wrong(std::string("write it as in ") + form.example));
}

Status check_role(const KeyCommand& command) {
  if (!command.role) {
    return fail(Errc::invalid_argument,
                "say what its owner may do, as in --role client; the others are worker, admin and "
                "coordinator");
  }
  if (command.role != KeyRole::coordinator) return {};
  if (command.action == KeyAction::allow) {
    return fail(Errc::invalid_argument,
                "a coordinator is nobody's client and is not allowed in; others trust it by kiln "
                "keys trust");
  }
  if (command.trusted.empty()) return {};
  return fail(Errc::invalid_argument,
              "a coordinator's key trusts no other: leave --coordinator away");
}

// What stands beside the options.
Status take_words(KeyCommand& command, const Words& words) {
  const bool trusts = command.action == KeyAction::trust || command.action == KeyAction::distrust;
  if (trusts) {
    KILN_TRY_ASSIGN(command.key, auth::parse_public_key(words.front()));
    command.files.assign(words.begin() + 1, words.end());
    return {};
  }
  if (!words.empty()) command.name = words.front();
  if (command.action == KeyAction::allow) {
    KILN_TRY_ASSIGN(command.key, auth::parse_public_key(words[1]));
  }
  if (command.action != KeyAction::make && command.action != KeyAction::allow) return {};
  KILN_TRY(auth::check_key_name(command.name));
  return check_role(command);
}

}  // namespace

Result<KeyCommand> parse_key_words(const Words& words) {
  KILN_TRY_ASSIGN(const Form* form, form_of(words));
  WordReader reader(std::string("kiln keys ") + form->word, words, 2);
  KeyCommand command;
  command.action = form->action;
  Words others;
  KILN_TRY(read_words(reader, *form, command, others));
  if (const auto taken = take_words(command, others); !taken)
    return fail(reader.wrong(taken.error().message));
  return command;
}

}  // namespace kiln::client
