#include "worker/server/guest_list.h"

#include <algorithm>

namespace kiln::worker {

void GuestList::set(const std::string& coordinator, const wire::Admissions& admissions) {
  by_coordinator_[coordinator] = {
      {admissions.clients.begin(), admissions.clients.end()},
      {admissions.workers.begin(), admissions.workers.end()},
  };
}

bool GuestList::may_run(const PublicKey& key) const {
  return std::any_of(by_coordinator_.begin(), by_coordinator_.end(),
                     [&](const auto& said) { return said.second.clients.contains(key); });
}

bool GuestList::may_fetch(const PublicKey& key) const {
  return std::any_of(by_coordinator_.begin(), by_coordinator_.end(), [&](const auto& said) {
    return said.second.clients.contains(key) || said.second.workers.contains(key);
  });
}

}  // namespace kiln::worker
