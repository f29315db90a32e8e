#include "client/agent/answer.h"

#include <nlohmann/json.hpp>

namespace kiln::client {

std::string text_of(const nlohmann::json& answer) {
  return answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace kiln::client
