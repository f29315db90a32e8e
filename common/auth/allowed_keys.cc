#include "common/auth/allowed_keys.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "common/auth/keys.h"

namespace kiln::auth {
namespace {

using Words = std::vector<std::string_view>;

constexpr std::string_view kSpaces = " \t\r";
constexpr std::string_view kRevoked = "revoked";

Words words_of(std::string_view line) {
  Words words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(kSpaces), line.size()));
    if (line.empty()) return words;
    words.push_back(line.substr(0, line.find_first_of(kSpaces)));
    line.remove_prefix(words.back().size());
  }
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size();
}

Result<Day> parse_day(std::string_view text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const bool shaped = text.size() == 10 && text[4] == '-' && text[7] == '-';
  if (shaped && read_number(text.substr(0, 4), year) && read_number(text.substr(5, 2), month) &&
      read_number(text.substr(8), day)) {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                           std::chrono::day(day)};
    if (date.ok()) return Day(date);
  }
  return fail(Errc::corrupt, "a day is written as 2026-11-27");
}

Result<AllowedKey> parse_words(Words words) {
  AllowedKey key;
  const bool revoked = words.front() == kRevoked;
  if (revoked) words.erase(words.begin());
  if (words.size() != (revoked ? 5U : 4U)) {
    return fail(Errc::corrupt,
                "a line is ROLE NAME PUBLIC-KEY DAY, or revoked ROLE NAME PUBLIC-KEY DAY DAY");
  }
  KILN_TRY_ASSIGN(key.role, parse_role(words[0]));
  KILN_TRY(check_key_name(words[1]));
  key.name = words[1];
  KILN_TRY_ASSIGN(key.key, parse_public_key(words[2]));
  KILN_TRY_ASSIGN(key.since, parse_day(words[3]));
  if (revoked) {
    KILN_TRY_ASSIGN(key.revoked, parse_day(words[4]));
  }
  return key;
}

std::string text_of(const AllowedKey& key) {
  std::string text = key.revoked ? std::string(kRevoked) + " " : "";
  text += std::string(role_name(key.role)) + " " + key.name + " " + key_text(key.key) + " " +
          day_text(key.since);
  return key.revoked ? text + " " + day_text(*key.revoked) : text;
}

std::string described(const AllowedKey& key) {
  return std::string(role_name(key.role)) + " " + key.name;
}

}  // namespace

std::string day_text(Day day) {
  const std::chrono::year_month_day date(day);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

Result<AllowedKeys> AllowedKeys::parse(std::string_view text) {
  AllowedKeys keys;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    std::string_view read = line.substr(0, line.find('#'));
    read = read.substr(0, read.find_last_not_of(kSpaces) + 1);
    const std::string rest(line.substr(read.size()));
    const Words words = words_of(read);
    if (words.empty()) {
      keys.lines_.push_back({std::nullopt, rest});
      continue;
    }
    auto key = parse_words(words);
    const auto added = key ? keys.add(*key, rest) : Status(fail(key.error()));
    if (!added) return fail(Errc::corrupt, std::to_string(number) + ": " + added.error().message);
  }
  return keys;
}

std::string AllowedKeys::text() const {
  std::string text;
  for (const auto& line : lines_) text += (line.key ? text_of(*line.key) : "") + line.rest + "\n";
  return text;
}

const AllowedKey* AllowedKeys::find(const PublicKey& key) const {
  const auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : &*lines_[at->second].key;
}

const AllowedKey* AllowedKeys::find(std::string_view name) const {
  const auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : &*lines_[at->second].key;
}

std::vector<AllowedKey> AllowedKeys::all() const {
  std::vector<AllowedKey> keys;
  for (const auto& line : lines_) {
    if (line.key) keys.push_back(*line.key);
  }
  return keys;
}

Status AllowedKeys::add(const AllowedKey& key, const std::string& rest) {
  if (key.role == KeyRole::coordinator) {
    return fail(Errc::invalid_argument,
                "a coordinator is nobody's client and is not allowed in; others trust it by kiln "
                "keys trust");
  }
  if (const auto* same = find(key.key)) {
    return fail(Errc::already_exists, "that key is of " + described(*same) + " already");
  }
  const auto* named = find(key.name);
  const bool taken = named != nullptr && !named->revoked;
  if (taken && !key.revoked) {
    return fail(Errc::already_exists, "there is another key called " + key.name +
                                          "; choose another name, or revoke that one first");
  }
  by_key_[key.key] = lines_.size();
  if (!taken) by_name_[key.name] = lines_.size();
  lines_.push_back({key, rest});
  return {};
}

Result<bool> AllowedKeys::allow(const AllowedKey& key) {
  const auto* same = find(key.key);
  if (same != nullptr && same->revoked) {
    return fail(Errc::already_exists, "that key, of " + described(*same) + ", was revoked on " +
                                          day_text(*same->revoked) + "; make a new one");
  }
  if (same != nullptr && same->name == key.name && same->role == key.role) return false;
  KILN_TRY(add(key, ""));
  return true;
}

Result<bool> AllowedKeys::revoke(const PublicKey& key, Day day) {
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return fail(Errc::not_found, "that key was never allowed");
  auto& found = *lines_[at->second].key;
  if (found.revoked) return false;
  found.revoked = day;
  return true;
}

}  // namespace kiln::auth
