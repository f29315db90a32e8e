#include "coordinator/server/state_dir.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/base/files.h"
#include "common/base/lock_file.h"

namespace kiln::coordinator {
namespace {

constexpr const char* kEndpoints = "endpoints.json";

}  // namespace

Result<StateDir> StateDir::open(const std::filesystem::path& path) {
  const auto made = make_directories(path);
  if (!made) return fail(made.error().within("--state-dir"));
  auto lock = lock_file(path / "lock", 0600);
  if (lock) return StateDir(path, std::move(*lock));
  if (lock.error().code != Errc::already_exists) return fail(lock.error().within("--state-dir"));
  return fail(Errc::already_exists, "--state-dir: another coordinator uses " + path.string() +
                                        "; stop it or give this one a directory of its own");
}

Status StateDir::announce(const BoundEndpoints& endpoints) const {
  const nlohmann::json json = {{"client", endpoints.client},
                               {"worker", endpoints.worker},
                               {"http", endpoints.http},
                               {"pid", ::getpid()}};
  return write_file_atomically(path_ / kEndpoints, json.dump(2) + "\n", 0644);
}

void StateDir::withdraw() const {
  std::error_code ignored;
  std::filesystem::remove(path_ / kEndpoints, ignored);
}

}  // namespace kiln::coordinator
