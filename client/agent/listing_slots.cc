#include "client/agent/listing_slots.h"

#include <utility>

#include "client/paths/environment.h"

namespace kiln::client {

CommandRunner in_lane(LocalSlots lane, Duration patience) {
  return [lane = std::move(lane), patience](const CommandSpec& spec) {
    SlotHold hold;
    if (!is_switched_on(spec.environment, kHeldSlotVariable)) {
      if (auto slot = lane.acquire(Clock::now() + patience)) hold = std::move(*slot);
    }
    return run_command(spec);
  };
}

}  // namespace kiln::client
