#include "coordinator/server/state_dir.h"

#include <cerrno>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/files.h"

namespace kiln::coordinator {
namespace {

constexpr const char* kEndpoints = "endpoints.json";

}  // namespace

Result<StateDir> StateDir::open(const std::filesystem::path& path) {
  const auto made = make_directories(path);
  if (!made) return fail(made.error().within("--state-dir"));
  const auto file = path / "lock";
  UniqueFd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return fail_errno("--state-dir: cannot open " + file.string(), errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno("--state-dir: cannot lock " + file.string(), errno);
    return fail(Errc::already_exists, "--state-dir: another coordinator uses " + path.string() +
                                          "; stop it or give this one a directory of its own");
  }
  return StateDir(path, std::move(lock));
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
