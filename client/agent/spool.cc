#include "client/agent/spool.h"

#include <system_error>
#include <vector>

#include <fcntl.h>

#include "client/slots/file_lock.h"
#include "common/base/unique_fd.h"

namespace kiln::client {

void remove_dead_spools(const std::filesystem::path& parent) {
  std::error_code code;
  std::vector<std::filesystem::path> found;
  for (std::filesystem::directory_iterator at(parent, code), end; !code && at != end;
       at.increment(code))
    found.push_back(at->path());
  for (const auto& spool : found) {
    // One without a lock file may just be in the making.
    const UniqueFd lock(::open((spool / "lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (lock.valid() && try_lock(lock.get())) std::filesystem::remove_all(spool, code);
  }
}

}  // namespace kiln::client
