#include "client/cli/key_words.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/arguments/response_file.h"
#include "client/cli/command_line.h"

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Action = KeyCommand::Action;

constexpr const char* kKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

PublicKey key_of_text() {
  PublicKey key;
  for (std::size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<std::uint8_t>(i);
  return key;
}

std::string key_error(const std::vector<std::string>& words) {
  const auto command = parse_key_words(words);
  if (command) return "no error";
  EXPECT_EQ(command.error().code, Errc::invalid_argument);
  return command.error().message;
}

TEST(KeyWords, of_new) {
  const auto made = parse_key_words({"keys", "new", "laptop", "--role", "client"});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->action, Action::make);
  EXPECT_EQ(made->name, "laptop");
  EXPECT_EQ(made->role, KeyRole::client);
  EXPECT_EQ(made->directory, "");
  const auto other = parse_key_words(
      {"keys", "new", "--role=admin", "--dir=d", "--out", "o", "--coordinator", kKey, "a"});
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(other->directory, "d");
  EXPECT_EQ(other->out, "o");
  EXPECT_THAT(other->trusted, ElementsAre(key_of_text()));
}

TEST(KeyWords, of_the_others) {
  const auto allowed = parse_key_words({"keys", "allow", "a", kKey, "--role", "worker"});
  ASSERT_TRUE(allowed) << allowed.error().message;
  EXPECT_EQ(allowed->key, key_of_text());
  EXPECT_EQ(allowed->role, KeyRole::worker);
  EXPECT_EQ(parse_key_words({"keys", "revoke", "a"})->name, "a");
  EXPECT_EQ(parse_key_words({"keys", "revoke", kKey})->name, kKey);
  EXPECT_TRUE(parse_key_words({"keys", "list", "--json"})->json);
  EXPECT_EQ(parse_key_words({"keys", "init", "--dir", "d"})->directory, "d");
  const auto trusted = parse_key_words({"keys", "trust", kKey, "a", "b"});
  EXPECT_EQ(trusted->key, key_of_text());
  EXPECT_THAT(trusted->files, ElementsAre("a", "b"));
  EXPECT_EQ(parse_key_words({"keys", "distrust", kKey, "a"})->action, Action::distrust);
}

TEST(KeyWords, what_is_wrong_is_named_with_what_to_write) {
  EXPECT_THAT(key_error({"keys"}), HasSubstr("say what to do with keys"));
  EXPECT_THAT(key_error({"keys", "lits"}), HasSubstr("did you mean 'list'?"));
  EXPECT_THAT(key_error({"keys", "new", "a"}), HasSubstr("--role client"));
  EXPECT_THAT(key_error({"keys", "new", "--role", "client"}), HasSubstr("write it as in"));
  EXPECT_THAT(key_error({"keys", "new", "a b", "--role", "client"}), HasSubstr("a key's name"));
  EXPECT_THAT(key_error({"keys", "new", "a", "--role", "root"}), HasSubstr("the roles are"));
  EXPECT_THAT(key_error({"keys", "new", "a", "--role"}), HasSubstr("needs a value"));
  EXPECT_THAT(key_error({"keys", "new", "a", "--out="}), HasSubstr("needs a value"));
  EXPECT_THAT(key_error({"keys", "new", "a", "--rol", "x"}), HasSubstr("did you mean '--role'?"));
  EXPECT_THAT(key_error({"keys", "new", "a", "--json"}), HasSubstr("unknown option '--json'"));
  EXPECT_THAT(key_error({"keys", "allow", "a", "--role", "client"}), HasSubstr("PUBLIC-KEY"));
  EXPECT_THAT(key_error({"keys", "trust", kKey}), HasSubstr("kiln keys trust PUBLIC-KEY FILE"));
  EXPECT_THAT(key_error({"keys", "list", "a"}), HasSubstr("write it as in kiln keys list"));
}

TEST(KeyWords, a_coordinator_is_nobodys_client_and_trusts_nobody) {
  EXPECT_THAT(key_error({"keys", "allow", "a", kKey, "--role", "coordinator"}),
              HasSubstr("nobody's client"));
  EXPECT_THAT(key_error({"keys", "new", "a", "--role", "coordinator", "--coordinator", kKey}),
              HasSubstr("trusts no other"));
  EXPECT_TRUE(parse_key_words({"keys", "new", "a", "--role", "coordinator"}));
}

TEST(KeyWords, what_is_no_public_key_is_not_repeated) {
  const std::string nearly = std::string(kKey).substr(1);
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"keys", "allow", "a", nearly, "--role", "client"},
           {"keys", "trust", nearly, "file"},
           {"keys", "new", "a", "--role", "client", "--coordinator", nearly}}) {
    EXPECT_THAT(key_error(words), HasSubstr("that is no public key"));
    EXPECT_THAT(key_error(words), Not(HasSubstr(nearly)));
  }
}

TEST(KeyWords, are_a_command_that_needs_no_agent_and_has_a_help_of_its_own) {
  const auto list = parse_people_command({"keys", "list"});
  ASSERT_TRUE(list);
  EXPECT_EQ(list->kind, PeopleCommand::Kind::keys);
  EXPECT_EQ(list->keys.action, Action::list);
  const auto help = parse_people_command({"keys", "new", "--help"});
  ASSERT_TRUE(help);
  EXPECT_EQ(help->kind, PeopleCommand::Kind::help);
  std::istringstream text(help_text(*help));
  int examples = 0;
  for (std::string line; std::getline(text, line);) {
    EXPECT_LE(line.size(), 80U) << line;
    if (!line.starts_with("  kiln keys ")) continue;
    ++examples;
    const auto words = split_response_text(line);
    EXPECT_TRUE(parse_people_command({words.begin() + 1, words.end()})) << line;
  }
  EXPECT_EQ(examples, 4);
}

}  // namespace
}  // namespace kiln::client
