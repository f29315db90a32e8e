#include "worker/executor/build_identity.h"

#include <functional>

#include "common/base/version.h"
#include "worker/executor/channel.h"
#include "worker/executor/nursery.h"

namespace kiln::worker {
namespace {

template <typename... Messages>
std::string shape_of() {
  Shape shape;
  (shape.add(Messages()), ...);
  return shape.text();
}

}  // namespace

std::string build_identity() {
  const auto shape =
      shape_of<NurserySetup, CreateMessage, GoneMessage, InitMessage, LostMessage, HeldMessage,
               FaredMessage, BrokenMessage, RunMessage, FinishedMessage>();
  return std::string(kVersion) + "+" + std::to_string(std::hash<std::string>()(shape));
}

}  // namespace kiln::worker
