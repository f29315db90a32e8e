// What processes write into their logs, as text for people.
#pragma once

#include "client/cli/answer_text.h"

namespace kiln::client {

Rendered render_log(const Json& answer, const RenderOptions& options);

}  // namespace kiln::client
