#include "coordinator/dashboard/json_object.h"

#include <array>
#include <charconv>

#include <nlohmann/json.hpp>

namespace kiln::coordinator {
namespace {

bool is_plain(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') return false;
  }
  return true;
}

}  // namespace

std::string quoted(std::string_view text) {
  if (is_plain(text)) {
    std::string whole;
    whole.reserve(text.size() + 2);
    return whole.append(1, '"').append(text).append(1, '"');
  }
  using Json = nlohmann::json;
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

JsonObject& JsonObject::member(std::string_view key, std::string_view value) {
  if (text_.size() > 1) text_ += ',';
  text_.append(1, '"').append(key).append("\":").append(value);
  return *this;
}

JsonObject& JsonObject::number(std::string_view key, std::uint64_t value) {
  return member(key, std::to_string(value));
}

JsonObject& JsonObject::number(std::string_view key, const std::optional<std::uint32_t>& value) {
  return member(key, value ? std::to_string(*value) : "null");
}

JsonObject& JsonObject::time(std::string_view key, std::int64_t unix_ms) {
  return member(key, std::to_string(unix_ms));
}

JsonObject& JsonObject::text(std::string_view key, std::string_view value) {
  return member(key, quoted(value));
}

std::string JsonObject::end() {
  text_ += '}';
  return std::move(text_);
}

void add_item(std::string& list, std::string_view json) {
  if (!list.empty()) list += ',';
  list += json;
}

std::string decimal(double value, int digits) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::fixed, digits);
  // What is no number, or beyond all bounds, is none that JSON knows.
  return end.ec == std::errc() && value == value && value < 1e15 && value > -1e15
             ? std::string(text.data(), end.ptr)
             : "0";
}

}  // namespace kiln::coordinator
