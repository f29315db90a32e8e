// The coordinator's own directory: one process at a time, and where it tells its addresses.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::coordinator {

struct BoundEndpoints {
  std::string client;  // tcp://host:port, with the ports that were bound
  std::string worker;
  std::string http;  // host:port
};

class StateDir {
 public:
  // Makes the directory and locks it; Errc::already_exists when another process holds it.
  static Result<StateDir> open(const std::filesystem::path& path);

  // Writes endpoints.json: {"client", "worker", "http", "pid"}, atomically, once everything is
  // bound. Scripts that start a coordinator with port 0 wait for it.
  Status announce(const BoundEndpoints& endpoints) const;
  // Where the definitions of pools are kept.
  std::filesystem::path pools_file() const { return path_ / "pools.json"; }
  // Removes endpoints.json.
  void withdraw() const;

 private:
  StateDir(std::filesystem::path path, UniqueFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  UniqueFd lock_;
};

}  // namespace kiln::coordinator
