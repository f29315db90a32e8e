// Times of the week as people write them: "mon-fri 8:00-20:00 16".
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "common/base/result.h"

namespace kiln::client {

// {"days", "from_minute", "to_minute", "ready"} of days ("mon-fri", "sat,sun", "daily"), a time
// span, and the executors that are ready then. Errc::invalid_argument says what is wrong.
Result<nlohmann::json> warm_window_of(const std::string& text);

}  // namespace kiln::client
