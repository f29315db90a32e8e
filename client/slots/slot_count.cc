#include <algorithm>

#include "client/slots/local_slots.h"
#include "common/base/machine.h"

namespace kiln::client {
namespace {

constexpr std::uint64_t kMemoryPerSlot = 1ULL << 30;

}  // namespace

unsigned default_slot_count() {
  const auto count =
      std::min<std::uint64_t>(usable_cores(), usable_memory_bytes() / kMemoryPerSlot);
  return static_cast<unsigned>(std::max<std::uint64_t>(count, 1));
}

}  // namespace kiln::client
