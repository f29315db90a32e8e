#include "coordinator/server/options.h"

#include <limits>

#include "common/config/log_settings.h"
#include "common/config/state_directory.h"
#include "common/net/endpoint.h"
#include "coordinator/server/log_parts.h"

namespace kiln::coordinator {
namespace {

using config::SettingKind;

// The address of the setting `key`, allowed only on loopback unless it is `closed` to strangers.
Result<net::Endpoint> address_of(const config::Settings& settings, const std::string& key,
                                 std::uint16_t default_port, bool closed) {
  auto endpoint = net::parse_endpoint(settings.text(key), default_port);
  if (!endpoint) return fail(settings.error(key, endpoint.error()));
  if (!closed && !net::is_loopback(*endpoint)) {
    const Error problem{Errc::permission_denied,
                        "\"" + settings.text(key) +
                            "\" can be reached from other machines, and connections are not "
                            "authenticated without keys: name their folder by --keys (kiln keys "
                            "init makes it), use a loopback address such as 127.0.0.1, or "
                            "--insecure on a network where everybody may run commands on the "
                            "workers"};
    return fail(settings.error(key, problem));
  }
  return endpoint;
}

// A duration that is more than nothing and fits the messages' milliseconds.
Result<Duration> positive(const config::Settings& settings, const std::string& key) {
  KILN_TRY_ASSIGN(const auto duration, settings.duration(key));
  if (duration < milliseconds(1) || duration > std::chrono::hours(24)) {
    return fail(
        settings.error(key, Error{Errc::invalid_argument,
                                  "\"" + settings.text(key) + "\" is not between 1ms and 24h"}));
  }
  return duration;
}

Status read_scheduling(const config::Settings& settings, SchedulerOptions& options) {
  options.epoch = 0;
  options.seed = 0;
  KILN_TRY_ASSIGN(options.lease_lifetime, positive(settings, "lease-lifetime"));
  options.short_lifetime = std::min(options.short_lifetime, options.lease_lifetime);
  KILN_TRY_ASSIGN(const auto tasks, settings.number("lease-tasks", 1, 1'000'000));
  options.tasks_per_lease = static_cast<std::uint32_t>(tasks);
  options.short_tasks = std::min(options.short_tasks, options.tasks_per_lease);
  KILN_TRY_ASSIGN(options.request_patience, positive(settings, "request-patience"));
  KILN_TRY_ASSIGN(options.heartbeat, positive(settings, "heartbeat"));
  KILN_TRY_ASSIGN(const auto missed, settings.number("missed-heartbeats", 1, 1'000));
  options.missed_heartbeats = static_cast<std::uint32_t>(missed);
  KILN_TRY_ASSIGN(const auto staging, settings.number("staging-per-slot", 0, 1));
  options.staging_per_slot = static_cast<std::uint32_t>(staging);
  return {};
}

}  // namespace

std::string version() {
  return KILN_VERSION;
}

config::Settings make_settings() {
  const auto text = [](const char* key, const char* variable, std::string value, const char* help) {
    return config::SettingSpec{key,
                               std::string("KILN_COORDINATOR_") + variable,
                               {std::move(value)},
                               help,
                               SettingKind::text};
  };
  return config::Settings(
      "coordinator",
      {text("client-endpoint", "CLIENT_ENDPOINT", "tcp://127.0.0.1:10650",
            "Where agents connect; port 0: any free one"),
       text("worker-endpoint", "WORKER_ENDPOINT", "tcp://127.0.0.1:10651", "Where workers connect"),
       text("http", "HTTP", "127.0.0.1:10660", "Where metrics, health and JSON are served"),
       text("state-dir", "STATE_DIR", config::state_directory("coordinator"),
            "A directory of its own; endpoints.json in it tells the bound addresses"),
       text("keys", "KEYS", "", "The farm's folder of keys, which kiln keys init makes"),
       text("pools", "POOLS", "", "A TOML file of pools that there shall be"),
       text("log-format", "LOG_FORMAT", "text", config::kLogFormatHelp),
       text("log-level", "LOG_LEVEL", "info", config::kLogLevelHelp),
       text("log-file", "LOG_FILE", "", "A file instead of standard error"),
       text("lease-lifetime", "LEASE_LIFETIME", "60s", "How long a lease lasts"),
       text("lease-tasks", "LEASE_TASKS", "32", "How many tasks may run under one lease"),
       text("request-patience", "REQUEST_PATIENCE", "10s",
            "How long a request waits for a slot before it is refused"),
       text("heartbeat", "HEARTBEAT", "1s", "How often workers and agents show life"),
       text("missed-heartbeats", "MISSED_HEARTBEATS", "3", "How many may be missed"),
       text("staging-per-slot", "STAGING_PER_SLOT", "1",
            "Leases beyond each slot whose inputs may travel ahead: 0 or 1"),
       {"check-health",
        "",
        {},
        "Asks the coordinator that runs with these settings whether it is ready, and ends",
        SettingKind::boolean},
       {"insecure",
        "KILN_COORDINATOR_INSECURE",
        {},
        "Allows addresses that other machines can reach, without authentication",
        SettingKind::boolean}});
}

Result<ServerOptions> read_options(const config::Settings& settings) {
  ServerOptions options;
  KILN_TRY_ASSIGN(options.insecure, settings.boolean("insecure"));
  options.keys = settings.text("keys");
  if (options.insecure && !options.keys.empty()) {
    return fail(settings.error("insecure", Error{Errc::invalid_argument,
                                                 "it contradicts --keys, under which every "
                                                 "connection is authenticated; give one of them"}));
  }
  const bool closed = options.insecure || !options.keys.empty();
  KILN_TRY_ASSIGN(const auto clients, address_of(settings, "client-endpoint", 10650, closed));
  KILN_TRY_ASSIGN(const auto workers, address_of(settings, "worker-endpoint", 10651, closed));
  KILN_TRY_ASSIGN(const auto http, address_of(settings, "http", 10660, closed));
  options.client_endpoint = clients.text();
  options.worker_endpoint = workers.text();
  options.http_address = net::numeric_address(http);
  options.state_dir = settings.text("state-dir");
  if (options.state_dir.empty()) {
    return fail(
        settings.error("state-dir", Error{Errc::invalid_argument, "it names no directory"}));
  }
  options.pools_file = settings.text("pools");
  KILN_TRY_ASSIGN(options.log, config::read_log_options(settings, log_parts()));
  KILN_TRY(read_scheduling(settings, options.scheduling));
  return options;
}

}  // namespace kiln::coordinator
