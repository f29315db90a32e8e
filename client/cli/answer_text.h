// Members of the agent's answers as text; those that are missing or of a wrong type are "-".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "client/cli/render.h"

namespace kiln::client {

using Json = nlohmann::json;

// Of lines made by line().
inline constexpr std::size_t kLabelWidth = 13;

// Null where there is none.
const Json& member(const Json& object, const char* name);
std::string shown(const Json& value);
std::string text_of(const Json& object, const char* name);
std::uint64_t number_of(const Json& object, const char* name);
double real_of(const Json& object, const char* name);  // 0 for what is no number
bool is_true(const Json& object, const char* name);
std::string milliseconds_of(const Json& object, const char* name);
std::string bytes_of(const Json& object, const char* name);
// Every address is a TCP one: on a narrow terminal the rest is worth more.
std::string without_scheme(std::string address);
// "1 node", "2 nodes".
std::string count(std::uint64_t number, const std::string& noun);
// Green or red, where there is colour.
std::string painted(std::string_view text, bool good, const RenderOptions& options);
// "label        text", with the text broken under itself.
std::string line(const std::string& label, std::string_view text, const RenderOptions& options);

}  // namespace kiln::client
