// JSON as the agent answers with it.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace kiln::client {

// Names of files and values of variables may be of any bytes: those that are no UTF-8 become
// U+FFFD, where nlohmann's default throws.
std::string text_of(const nlohmann::json& answer);

}  // namespace kiln::client
