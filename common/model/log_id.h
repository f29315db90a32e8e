// How leases and attempts are named in logs.
#pragma once

#include "common/base/log.h"
#include "common/model/lease.h"
#include "common/model/task.h"

namespace kiln {

inline LogId log_id(const AttemptId& attempt) {
  return {attempt.client_epoch, attempt.number};
}

inline LogId log_id(const LeaseId& lease) {
  return {lease.coordinator_epoch, lease.number};
}

}  // namespace kiln
