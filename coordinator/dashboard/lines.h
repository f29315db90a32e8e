// One thing each as a JSON object, as docs/http.md describes it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/dashboard/json_object.h"
#include "coordinator/live/farm_events.h"
#include "coordinator/live/job_book.h"
#include "coordinator/live/series.h"
#include "coordinator/live/snapshot.h"

namespace kiln::coordinator {

// Milliseconds since the Unix epoch.
using WallClock = std::function<std::int64_t(TimePoint)>;

std::string node_line(const NodeView& node, const std::vector<std::optional<BuildNumber>>& slots,
                      const WallClock& wall);
std::string pool_line(const PoolView& pool);
std::string build_line(const LiveBuild& build, const WallClock& wall);
std::string event_line(const FarmEvent& event, const WallClock& wall);
std::string point_line(const SeriesPoint& point, const WallClock& wall);
std::string job_line(const LiveJob& job, const WallClock& wall);
// `place`: nullptr where it is not known.
std::string task_line(const TaskStatus& task, const std::string& node, const JobBook::Place* place);

}  // namespace kiln::coordinator
