#include "common/model/pool.h"

namespace kiln {

std::string_view name(PoolContext context) {
  switch (context) {
    case PoolContext::spawn:
      return "spawn";
    case PoolContext::fork:
      return "fork";
    case PoolContext::forkserver:
      return "forkserver";
  }
  return "unknown";
}

std::string_view name(PoolState state) {
  switch (state) {
    case PoolState::cold:
      return "cold";
    case PoolState::warming:
      return "warming";
    case PoolState::ready:
      return "ready";
    case PoolState::quiesced:
      return "quiesced";
    case PoolState::broken:
      return "broken";
  }
  return "unknown";
}

}  // namespace kiln
