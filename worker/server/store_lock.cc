#include "worker/server/store_lock.h"

#include <string>

#include "common/base/files.h"
#include "common/base/lock_file.h"

namespace kiln::worker {

Result<StoreLock> StoreLock::take(const std::filesystem::path& directory) {
  KILN_TRY(make_directories(directory));
  auto lock = lock_file(directory / "worker.lock", 0644);
  if (lock) return StoreLock(directory, std::move(*lock));
  if (lock.error().code != Errc::already_exists) return fail(lock.error());
  return fail(Errc::already_exists,
              "another worker uses " + directory.string() + "; give each worker its own --store");
}

Result<StoreLock> StoreLock::take_first(const std::filesystem::path& pool) {
  for (int number = 0; number < kStores; ++number) {
    auto taken = take(pool / std::to_string(number));
    if (taken || taken.error().code != Errc::already_exists) return taken;
  }
  return fail(Errc::resource_exhausted, "other workers use all " + std::to_string(kStores) +
                                            " stores in " + pool.string() +
                                            "; give this one a directory of its own");
}

}  // namespace kiln::worker
