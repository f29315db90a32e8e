#include "client/agent/history.h"

#include <algorithm>
#include <utility>

namespace kiln::client {

void History::add(std::shared_ptr<const CallRecord> record) {
  records_.push_back(std::move(record));
  if (records_.size() > capacity_) records_.pop_front();
}

const CallRecord* History::find(const std::string& file) const {
  const auto found = std::find_if(records_.rbegin(), records_.rend(),
                                  [&](const auto& record) { return record->file == file; });
  return found == records_.rend() ? nullptr : found->get();
}

}  // namespace kiln::client
