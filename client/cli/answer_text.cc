#include "client/cli/answer_text.h"

#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/cli/table.h"
#include "client/cli/units.h"

namespace kiln::client {

const Json& member(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

std::string shown(const Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return text.empty() ? "-" : text;
  }
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_integer()) return value.dump();
  if (value.is_number()) {
    std::array<char, 64> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.2f", value.get<double>());
    return buffer.data();
  }
  return "-";
}

std::string text_of(const Json& object, const char* name) {
  return shown(member(object, name));
}

double real_of(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_number() ? value.get<double>() : 0;
}

std::uint64_t number_of(const Json& object, const char* name) {
  const double number = real_of(object, name);
  return number > 0 && number < 1e19 ? static_cast<std::uint64_t>(number) : 0;
}

bool is_true(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_boolean() && value.get<bool>();
}

std::string milliseconds_of(const Json& object, const char* name) {
  return member(object, name).is_number() ? show_milliseconds(number_of(object, name)) : "-";
}

std::string bytes_of(const Json& object, const char* name) {
  return member(object, name).is_number() ? show_bytes(number_of(object, name)) : "-";
}

std::string without_scheme(std::string address) {
  constexpr std::string_view kScheme = "tcp://";
  if (address.starts_with(kScheme)) address.erase(0, kScheme.size());
  return address;
}

std::string count(std::uint64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string painted(std::string_view text, bool good, const RenderOptions& options) {
  if (!options.colour) return std::string(text);
  return std::string(good ? "\x1b[32m" : "\x1b[31m") + std::string(text) + "\x1b[0m";
}

std::string line(const std::string& label, std::string_view text, const RenderOptions& options) {
  std::string start = label;
  start.resize(kLabelWidth, ' ');
  return start + wrap(text, kLabelWidth, options.width) + "\n";
}

}  // namespace kiln::client
