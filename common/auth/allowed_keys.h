// Who may come into a farm: its keys, those that were revoked included. As text, one line a key,
// made to be read and, in need, to be changed by hand:
//
//   client laptop PUBLIC 2026-11-27             # what the operator wrote stays
//   revoked client tablet PUBLIC 2026-11-20 2026-11-25
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/model/key.h"

namespace kiln::auth {

using Day = std::chrono::sys_days;  // of UTC

// "2026-11-27".
std::string day_text(Day day);

struct AllowedKey {
  std::string name;
  KeyRole role = KeyRole::client;  // never coordinator: that is nobody's client
  PublicKey key;
  Day since{};
  std::optional<Day> revoked{};

  friend bool operator==(const AllowedKey&, const AllowedKey&) = default;
};

class AllowedKeys {
 public:
  // Errc::corrupt names the line, from 1: "3: …".
  static Result<AllowedKeys> parse(std::string_view text);
  // What parse() reads; of what it read, comments and empty lines stay where they were.
  std::string text() const;

  // nullptr: the key is unknown. One that was revoked is found, and may not come in.
  const AllowedKey* find(const PublicKey& key) const;
  // Of the keys that are not revoked, among which names are unique; else of those that are, the
  // last.
  const AllowedKey* find(std::string_view name) const;
  // In the order in which they came.
  std::vector<AllowedKey> all() const;

  // True: it was not allowed before. Errc::already_exists when another key has the name, the key
  // has another name or role, or was revoked; Errc::invalid_argument for a coordinator's.
  Result<bool> allow(const AllowedKey& key);
  // True: it was not revoked before. Errc::not_found when the key is unknown.
  Result<bool> revoke(const PublicKey& key, Day day);

 private:
  struct Line {
    std::optional<AllowedKey> key;
    std::string rest;  // as it was written: spaces and a comment
  };

  Status add(const AllowedKey& key, const std::string& rest);

  std::vector<Line> lines_;
  // Into lines_.
  std::map<PublicKey, std::size_t> by_key_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
};

}  // namespace kiln::auth
