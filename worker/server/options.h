// What a worker is told by flags, environment and file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/auth/key_file.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/config/command_line.h"
#include "common/net/endpoint.h"

namespace kiln::worker {

struct WorkerOptions {
  std::vector<net::Endpoint> coordinators;
  net::Endpoint listen;     // of the task socket; blobs are served on the next port
  net::Endpoint advertise;  // where agents find it; port 0: the port listened on
  std::string name;
  std::uint32_t slots = 1;
  std::vector<std::pair<std::string, std::string>> labels;
  std::filesystem::path store;
  std::filesystem::path store_pool;  // if not empty, the store is a directory below it that is free
  std::uint64_t store_limit_bytes = 0;
  std::string http;
  LogOptions log;
  std::optional<auth::KeyFile> key;  // nothing: connections are in the clear
  bool insecure = false;
  Duration report_stuck{};  // how often tasks that last are logged; 0: never
  Duration grace{};         // for running tasks at an orderly end
};

// The settings that kiln-worker knows.
config::Settings worker_settings();

// Errors name the flag, what was wrong and what to do. Reads the key file.
Result<WorkerOptions> read_options(const config::Settings& settings);

}  // namespace kiln::worker
