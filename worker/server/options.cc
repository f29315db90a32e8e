#include "worker/server/options.h"

#include <algorithm>

#include "common/base/machine.h"
#include "common/config/log_settings.h"
#include "common/config/state_directory.h"
#include "worker/server/log_parts.h"

namespace kiln::worker {
namespace {

constexpr std::uint16_t kTaskPort = 10652;
constexpr std::uint16_t kCoordinatorPort = 10651;
constexpr std::uint16_t kHttpPort = 10661;
constexpr std::uint64_t kMemoryPerSlot = std::uint64_t{2} << 30U;

std::uint32_t default_slots() {
  const auto by_memory = static_cast<std::uint32_t>(usable_memory_bytes() / kMemoryPerSlot);
  return std::max(1U, std::min(usable_cores(), by_memory));
}

// The name is an identity: characters that need no quoting anywhere.
Status check_name(const std::string& name) {
  const bool fine = !name.empty() && name.size() <= 128 &&
                    std::all_of(name.begin(), name.end(), [](unsigned char c) {
                      return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
                    });
  if (fine) return {};
  return fail(Errc::invalid_argument, "\"" + name +
                                          "\" cannot be a node's name; use letters, digits, '-', "
                                          "'_' and '.', at most 128");
}

Result<std::pair<std::string, std::string>> parse_label(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return fail(Errc::invalid_argument, "\"" + text + "\" is not a label; write key=value");
  }
  const std::string key = text.substr(0, equals);
  if (key == "job" || key == "instance") {
    return fail(Errc::invalid_argument,
                "the label \"" + key + "\" belongs to Prometheus; choose another key");
  }
  return std::pair(key, text.substr(equals + 1));
}

Result<net::Endpoint> endpoint(const config::Settings& settings, std::string_view key,
                               const std::string& text, std::uint16_t port) {
  auto parsed = net::parse_endpoint(text, port);
  if (!parsed) return fail(settings.error(key, parsed.error()));
  return parsed;
}

Status read_addresses(const config::Settings& settings, WorkerOptions& options) {
  for (const auto& text : settings.list("coordinator")) {
    KILN_TRY_ASSIGN(auto parsed, endpoint(settings, "coordinator", text, kCoordinatorPort));
    options.coordinators.push_back(parsed);
  }
  KILN_TRY_ASSIGN(options.listen, endpoint(settings, "listen", settings.text("listen"), kTaskPort));
  if (settings.given("advertise")) {
    KILN_TRY_ASSIGN(options.advertise,
                    endpoint(settings, "advertise", settings.text("advertise"), 0));
  } else {
    const bool everywhere = options.listen.host == "*" || options.listen.host == "0.0.0.0" ||
                            options.listen.host == "::";
    options.advertise = {everywhere ? host_name() : options.listen.host, 0};
  }
  if (!net::is_loopback(options.listen) && !options.insecure && !options.key) {
    return fail(settings.error(
        "listen",
        Error{Errc::permission_denied,
              options.listen.text() +
                  " can be reached from other machines, and whoever reaches a worker runs commands "
                  "on it; give this worker a key with --key-file (kiln keys new makes one), "
                  "listen on 127.0.0.1, or accept the risk with --insecure"}));
  }
  return {};
}

// Metrics and state are not for everybody either.
Status read_http(const config::Settings& settings, WorkerOptions& options) {
  KILN_TRY_ASSIGN(const auto http, endpoint(settings, "http", settings.text("http"), kHttpPort));
  if (!net::is_loopback(http) && !options.insecure && !options.key) {
    return fail(settings.error(
        "http", Error{Errc::permission_denied,
                      settings.text("http") +
                          " can be reached from other machines; serve metrics on 127.0.0.1, or "
                          "accept the risk with --insecure"}));
  }
  options.http = net::numeric_address(http);
  return {};
}

Status read_key(const config::Settings& settings, WorkerOptions& options) {
  const auto& path = settings.text("key-file");
  if (path.empty()) return {};
  auto file = auth::read_key_file(path);
  if (!file) return fail(settings.error("key-file", file.error()));
  const auto refuse = [&](const std::string& why) {
    return fail(settings.error("key-file", Error{Errc::invalid_argument, path + ": " + why}));
  };
  if (file->role != KeyRole::worker) {
    return refuse("it is the key of a " + std::string(role_name(file->role)) +
                  "; a worker needs one of its own role: kiln keys new NAME --role worker");
  }
  if (file->coordinators.empty()) {
    return refuse("it names no coordinator's public key; add it with kiln keys trust");
  }
  if (options.insecure) return refuse("it contradicts --insecure; give one of them");
  options.key = std::move(*file);
  return {};
}

Status read_store(const config::Settings& settings, WorkerOptions& options) {
  const std::string& pool = settings.text("store-pool");
  if (pool.empty()) {
    options.store = std::filesystem::absolute(settings.text("store"));
    return {};
  }
  if (settings.given("store")) {
    return fail(settings.error(
        "store-pool", Error{Errc::invalid_argument,
                            settings.at("store").origin +
                                " names the worker's store already; leave one of them out"}));
  }
  options.store_pool = std::filesystem::absolute(pool);
  return {};
}

}  // namespace

config::Settings worker_settings() {
  using config::SettingKind;
  return config::Settings(
      "worker",
      {
          {"coordinator",
           "KILN_WORKER_COORDINATOR",
           {"127.0.0.1"},
           "HOST[:10651] of a coordinator; repeatable",
           SettingKind::list},
          {"listen",
           "KILN_WORKER_LISTEN",
           {"tcp://127.0.0.1:10652"},
           "address for tasks; blobs use the next port"},
          {"advertise",
           "KILN_WORKER_ADVERTISE",
           {""},
           "ADDRESS[:PORT] where agents reach this worker (default: as --listen)"},
          {"name", "KILN_WORKER_NAME", {host_name()}, "name of this node, unique in the farm"},
          {"slots",
           "KILN_WORKER_SLOTS",
           {std::to_string(default_slots())},
           "tasks that run at once: the cores, or memory over 2 GiB if that is less"},
          {"label",
           "KILN_WORKER_LABEL",
           {},
           "KEY=VALUE that pools select nodes by; repeatable",
           SettingKind::list},
          {"store",
           "KILN_WORKER_STORE",
           {config::state_directory("worker")},
           "directory of blobs, toolchains and task roots"},
          {"store-pool",
           "KILN_WORKER_STORE_POOL",
           {""},
           "directory of several workers, each of which takes a free store in it, instead of "
           "--store"},
          {"store-limit", "KILN_WORKER_STORE_LIMIT", {"20G"}, "bytes of blobs kept"},
          {"http",
           "KILN_WORKER_HTTP",
           {"127.0.0.1:10661"},
           "address of /metrics, /healthz and /readyz"},
          {"grace", "KILN_WORKER_GRACE", {"30s"}, "for running tasks after SIGTERM"},
          {"report-stuck",
           "KILN_WORKER_REPORT_STUCK",
           {"60s"},
           "how often tasks that last longer are logged; 0: never"},
          {"key-file",
           "KILN_WORKER_KEY_FILE",
           {""},
           "key file of this worker, which kiln keys new makes"},
          {"insecure",
           "KILN_WORKER_INSECURE",
           {"false"},
           "allow addresses that other machines reach, without keys",
           SettingKind::boolean},
          {"check-health",
           "",
           {"false"},
           "ask the worker that runs with these settings whether it is ready, and end",
           SettingKind::boolean},
          {"log-format", "KILN_WORKER_LOG_FORMAT", {"text"}, config::kLogFormatHelp},
          {"log-level", "KILN_WORKER_LOG_LEVEL", {"info"}, config::kLogLevelHelp},
          {"log-file", "KILN_WORKER_LOG_FILE", {""}, "file instead of standard error"},
      });
}

Result<WorkerOptions> read_options(const config::Settings& settings) {
  WorkerOptions options;
  KILN_TRY_ASSIGN(options.insecure, settings.boolean("insecure"));
  KILN_TRY(read_key(settings, options));
  KILN_TRY(read_addresses(settings, options));
  options.name = settings.text("name");
  if (const auto named = check_name(options.name); !named)
    return fail(settings.error("name", named.error()));
  KILN_TRY_ASSIGN(const auto slots, settings.number("slots", 1, 4096));
  options.slots = static_cast<std::uint32_t>(slots);
  for (const auto& text : settings.list("label")) {
    auto label = parse_label(text);
    if (!label) return fail(settings.error("label", label.error()));
    options.labels.push_back(std::move(*label));
  }
  KILN_TRY(read_store(settings, options));
  KILN_TRY_ASSIGN(options.store_limit_bytes, settings.size("store-limit"));
  KILN_TRY(read_http(settings, options));
  KILN_TRY_ASSIGN(options.grace, settings.duration("grace"));
  KILN_TRY_ASSIGN(options.report_stuck, settings.duration("report-stuck"));
  KILN_TRY_ASSIGN(options.log, config::read_log_options(settings, log_parts()));
  return options;
}

}  // namespace kiln::worker
