// Kiln's own errors, and the words of its messages, as the library's failures.
#pragma once

#include <string>
#include <string_view>

#include <kiln/result.h>
#include <kiln/task.h>

#include "common/base/error.h"
#include "common/wire/codec.h"

namespace kiln::v1 {

// An error without a reason of its own: its failure's name is the reason.
Error error_of(Failure failure, std::string message);

// What an agent says that does not carry out a command about pools.
Error command_error(Errc code, std::string message);

// What became of the task `name`; streams are the raw frames of `result`.
Result<TaskResult> result_of(const wire::SessionResult& result, wire::Frames raw,
                             const std::string& name);

}  // namespace kiln::v1
