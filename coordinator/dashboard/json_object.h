// A JSON object that is written member by member, straight into text. A large farm's answer has
// some ten thousand of them each second: building each as a tree first took four fifths of the
// time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::coordinator {

// In quotes, with escapes. Text of peers need not be UTF-8: what is none is replaced.
std::string quoted(std::string_view text);

class JsonObject {
 public:
  // `key` needs no escapes.
  JsonObject& number(std::string_view key, std::uint64_t value);
  JsonObject& number(std::string_view key, const std::optional<std::uint32_t>& value);
  JsonObject& time(std::string_view key, std::int64_t unix_ms);
  JsonObject& text(std::string_view key, std::string_view value);
  // `value` is JSON.
  JsonObject& member(std::string_view key, std::string_view value);

  // The whole object; the last call.
  std::string end();

 private:
  std::string text_ = "{";
};

// Another item of a list that is yet without its brackets.
void add_item(std::string& list, std::string_view json);

// With so many digits after the point; 0 for what JSON has no number for.
std::string decimal(double value, int digits);

}  // namespace kiln::coordinator
