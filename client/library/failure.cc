#include <kiln/result.h>

namespace kiln::v1 {

std::string_view name(Failure failure) {
  switch (failure) {
    case Failure::cancelled:
      return "cancelled";
    case Failure::time_limit:
      return "time_limit";
    case Failure::memory_limit:
      return "memory_limit";
    case Failure::output_limit:
      return "output_limit";
    case Failure::executor_lost:
      return "executor_lost";
    case Failure::node_lost:
      return "node_lost";
    case Failure::node_fault:
      return "node_fault";
    case Failure::staging_failed:
      return "staging_failed";
    case Failure::result_invalid:
      return "result_invalid";
    case Failure::not_remote:
      return "not_remote";
    case Failure::not_prepared:
      return "not_prepared";
    case Failure::toolchain_refused:
      return "toolchain_refused";
    case Failure::overloaded:
      return "overloaded";
    case Failure::no_pool:
      return "no_pool";
    case Failure::pool_differs:
      return "pool_differs";
    case Failure::pool_broken:
      return "pool_broken";
    case Failure::initializer_failed:
      return "initializer_failed";
    case Failure::initializer_timed_out:
      return "initializer_timed_out";
    case Failure::no_node:
      return "no_node";
    case Failure::timed_out:
      return "timed_out";
    case Failure::no_agent:
      return "no_agent";
    case Failure::agent_lost:
      return "agent_lost";
    case Failure::closed:
      return "closed";
    case Failure::invalid_argument:
      return "invalid_argument";
    case Failure::unsupported:
      return "unsupported";
    case Failure::internal:
      return "internal";
    case Failure::inside_task:
      return "inside_task";
  }
  return "internal";
}

}  // namespace kiln::v1
