// What the life of pools asks of the server.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"

namespace kiln::worker {

// A seat for one executor after the other; never used again once its pool has given it up.
using PlaceId = std::uint32_t;

// executor_ready or executor_lost answers; or initialised, with what it lacks to be made.
struct CreateExecutor {
  std::string pool;
  PlaceId place = 0;
  bool from_template = false;  // the pool's, which is ready
};
// executor_stopped answers, also when the place has no executor.
struct StopExecutor {
  PlaceId place = 0;
};
// Runs the pool's initializer on a fresh executor; initialised answers.
struct InitialiseExecutor {
  std::string pool;
  PlaceId place = 0;
};
// template_ready or template_lost answers.
struct CreateTemplate {
  std::string pool;
};
// Its executors are gone already. Nothing answers.
struct StopTemplate {
  std::string pool;
};
// How the pool stands has changed: others should hear of it.
struct PoolChanged {
  std::string pool;
};
// A step of making one executor ready took so long. Nothing answers.
enum class WarmStep : std::uint8_t { start, initialise };
struct WarmStepTook {
  std::string pool;
  WarmStep step = WarmStep::start;
  Duration took{};
};

using PoolAction = std::variant<CreateExecutor, StopExecutor, InitialiseExecutor, CreateTemplate,
                                StopTemplate, PoolChanged, WarmStepTook>;
using PoolActions = std::vector<PoolAction>;

// What came of an initializer, or of making what it needs.
struct InitialiserEnd {
  bool succeeded = false;
  std::string reason;          // why not
  std::string output;          // the end of what it wrote
  std::int32_t exit_code = 0;  // of the step that failed
};

}  // namespace kiln::worker
