// The agent's JSON answers as text for people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln::client {

struct RenderOptions {
  std::size_t width = 80;  // columns
  bool colour = false;     // only ever on a terminal
};

struct Rendered {
  std::string text;
  bool ok = true;  // false: something is wrong (`doctor`), or nothing was found (`why`)
};

// Text of the answer `json` to the command `name`, as client/cli/README.md defines it. Members that
// are missing or of a wrong type print as "-". Errc::corrupt when it is no JSON object.
Result<Rendered> render(std::string_view name, std::string_view json, const RenderOptions& options);

// {"NAME": number} and {"NAME": "text"}, for answers that this program gives without the agent.
std::string json_object(std::string_view name, long number);
std::string json_object(std::string_view name, std::string_view text);

// The doctor's answer when there is no agent to examine anything, with why there is none.
std::string doctor_without_agent(std::string_view why);

}  // namespace kiln::client
