#include "client/cli/key_answers.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/auth/keys.h"

namespace kiln::client {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auth::Day kBorn = std::chrono::year(2026) / 11 / 27;
constexpr auth::Day kEnded = std::chrono::year(2026) / 12 / 1;

PublicKey filled(std::uint8_t byte) {
  PublicKey key;
  key.bytes.fill(byte);
  return key;
}

KeyList two_keys() {
  return {"/srv/keys",
          filled(9),
          {{"laptop", KeyRole::client, filled(1), kBorn, {}},
           {std::string(60, 'n'), KeyRole::admin, filled(2), kBorn, kEnded}}};
}

TEST(KeyAnswers, a_list_fits_a_terminal_and_tells_who_was_revoked_when) {
  const std::string text = tell_list(two_keys(), 80);
  EXPECT_THAT(text, HasSubstr("revoked 2026-12-01"));
  EXPECT_THAT(text, HasSubstr("the coordinator's public key  " + auth::key_text(filled(9))));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 84U) << line;
  EXPECT_THAT(tell_list(two_keys(), 200), HasSubstr(auth::key_text(filled(2)) + "\n"));
  EXPECT_EQ(tell_list({"/srv/keys", {}, {}}, 80), "no keys\n");
}

TEST(KeyAnswers, a_list_is_json_too) {
  const auto json = nlohmann::json::parse(list_json(two_keys()));
  EXPECT_EQ(json["coordinator"], auth::key_text(filled(9)));
  EXPECT_EQ(json["directory"], "/srv/keys");
  EXPECT_EQ(json["keys"][0], nlohmann::json({{"name", "laptop"},
                                             {"role", "client"},
                                             {"since", "2026-11-27"},
                                             {"state", "allowed"},
                                             {"revoked", nullptr},
                                             {"key", auth::key_text(filled(1))}}));
  EXPECT_EQ(json["keys"][1]["state"], "revoked");
  EXPECT_EQ(json["keys"][1]["revoked"], "2026-12-01");
  EXPECT_EQ(nlohmann::json::parse(list_json({"\xff", {}, {}}))["coordinator"], nullptr);
}

TEST(KeyAnswers, what_was_made_comes_with_the_next_step) {
  const std::string key = auth::key_text(filled(1));
  const std::string next = auth::key_text(filled(9));
  const WantedKey client{"laptop", KeyRole::client, "/k/laptop.key", {}};
  EXPECT_THAT(tell_made(client, {filled(1), true, {filled(9)}}), HasSubstr("KILN_KEY_FILE"));
  const std::string elsewhere = tell_made(client, {filled(1), false, {}});
  EXPECT_THAT(elsewhere, HasSubstr("\n  kiln keys allow laptop " + key + " --role client\n"));
  EXPECT_THAT(elsewhere, HasSubstr(" /k/laptop.key\n"));
  EXPECT_THAT(tell_made(client, {filled(1), false, {filled(9)}}), Not(HasSubstr("trust")));
  EXPECT_THAT(tell_made({"rack", KeyRole::worker, "/k/rack.key", {}}, {filled(1), true, {}}),
              HasSubstr("--key-file"));
  EXPECT_THAT(tell_made({"next", KeyRole::coordinator, "/k/next.key", {}}, {filled(9), false, {}}),
              HasSubstr("\n  kiln keys trust " + next + " FILE...\n"));
}

TEST(KeyAnswers, a_file_with_a_blank_in_its_name_can_be_copied) {
  EXPECT_THAT(tell_made({"a", KeyRole::client, "/my keys/a", {}}, {filled(1), false, {}}),
              HasSubstr(" '/my keys/a'\n"));
}

TEST(KeyAnswers, of_a_first_key_that_is_revoked_say_how_to_get_another) {
  const std::string text =
      tell_first_keys({{"client", "/k/client.key", FirstKey::State::revoked}}, "/k", 80);
  EXPECT_THAT(text, HasSubstr("client is revoked; for a new one remove that file"));
  EXPECT_THAT(text, HasSubstr("\n  kiln keys new NAME --role client --dir /k\n"));
}

}  // namespace
}  // namespace kiln::client
