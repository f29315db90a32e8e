// What kiln-coordinator can be told, checked.
#pragma once

#include <string>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/config/settings.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

struct ServerOptions {
  std::string client_endpoint = "tcp://127.0.0.1:10650";
  std::string worker_endpoint = "tcp://127.0.0.1:10651";
  std::string http_address = "127.0.0.1:10660";  // numeric host:port
  std::string state_dir;
  std::string pools_file;  // of the operator's pools; empty: none
  std::string keys;        // directory of the farm's keys; empty: connections are in the clear
  bool insecure = false;
  LogOptions log;
  SchedulerOptions scheduling;  // its epoch and seed are chosen by the server when 0
};

// The program's version.
std::string version();

// Every setting of the program, for its command line, environment and file.
config::Settings make_settings();

// Errors name the setting. Addresses beyond loopback are refused without keys, unless `insecure` is
// set.
Result<ServerOptions> read_options(const config::Settings& settings);

}  // namespace kiln::coordinator
