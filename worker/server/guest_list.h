// Whom this worker lets in where the farm has keys: what its coordinators say, together. What one
// said holds while it is away.
#pragma once

#include <map>
#include <set>
#include <string>

#include "common/model/key.h"
#include "common/wire/messages.h"

namespace kiln::worker {

class GuestList {
 public:
  // In the place of what `coordinator` said before.
  void set(const std::string& coordinator, const wire::Admissions& admissions);

  bool may_run(const PublicKey& key) const;    // tasks
  bool may_fetch(const PublicKey& key) const;  // blobs, and bring them

 private:
  struct Said {
    std::set<PublicKey> clients;
    std::set<PublicKey> workers;
  };
  std::map<std::string, Said> by_coordinator_;
};

}  // namespace kiln::worker
