// What a message may hold before it is looked at: peers are not trusted with the coordinator's
// memory.
#pragma once

#include "common/base/result.h"
#include "common/wire/messages.h"

namespace kiln::coordinator {

// Errc::invalid_argument names the field that is too long.
Status check_limits(const wire::WorkerHello& hello);
Status check_limits(const wire::OccupancyReport& report);
Status check_limits(const wire::ClientHello& hello);
Status check_limits(const wire::Acquire& acquire);
Status check_limits(const wire::PoolReport& report);
Status check_limits(const wire::PoolChange& change);
Status check_limits(const wire::PoolQuery& query);
Status check_limits(const wire::RelayOpen& open);
Status check_limits(const wire::RelayClose& close);
Status check_limits(const wire::NodeChange& change);
Status check_limits(const wire::LogChange& change);
Status check_limits(const wire::LogState& state);

}  // namespace kiln::coordinator
