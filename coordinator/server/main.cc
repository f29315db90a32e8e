// kiln-coordinator.
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "common/config/command_line.h"
#include "common/metrics/health_check.h"
#include "common/net/log_desk.h"
#include "coordinator/server/server.h"

namespace kiln::coordinator {
namespace {

constexpr Duration kHealthLimit = seconds(5);

void warn_of_risks(const Logger& log, const ServerOptions& options) {
  if (!options.insecure) return;
  log.warning("insecure",
              {{"risk",
                "connections are neither authenticated nor encrypted: whoever reaches these "
                "addresses can run commands on the workers and read the sources that travel"},
               {"client_endpoint", options.client_endpoint},
               {"worker_endpoint", options.worker_endpoint},
               {"http", options.http_address}});
}

Status serve(const ServerOptions& options) {
  KILN_TRY_ASSIGN(const auto log, Logger::open(options.log));
  KILN_TRY_ASSIGN(const auto reactor, net::Reactor::create());
  // Without a file, the end of its terminal is the end of it.
  std::vector<int> signals = {SIGTERM, SIGINT};
  if (!log.file().empty()) signals.push_back(SIGHUP);
  KILN_TRY(reactor->watch_signals(signals, [&](int number) {
    if (number == SIGHUP) return net::reopen_log(log);
    log.info("stopping", {{"signal", number}});
    reactor->stop();
  }));
  warn_of_risks(log, options);
  net::Context context;
  KILN_TRY_ASSIGN(const auto server, Server::create(*reactor, context, log, options));
  const auto endpoints = server->endpoints();
  log.info("ready", {{"version", version()},
                     {"client_endpoint", endpoints.client},
                     {"worker_endpoint", endpoints.worker},
                     {"http", endpoints.http}});
  reactor->run();
  return {};
}

Status run(int argc, const char* const* argv) {
  auto settings = make_settings();
  const config::ProgramInfo program{
      "kiln-coordinator", "Lends the slots of Kiln's workers to the agents that ask.", version()};
  KILN_TRY_ASSIGN(const auto answer, config::load_settings(settings, program, argc, argv,
                                                           config::process_environment()));
  if (answer) {
    std::fputs(answer->c_str(), stdout);
    return {};
  }
  KILN_TRY_ASSIGN(const auto options, read_options(settings));
  KILN_TRY_ASSIGN(const auto only_asks, settings.boolean("check-health"));
  if (only_asks) {
    return metrics::check_health(options.http_address, "/readyz", kHealthLimit);
  }
  return serve(options);
}

}  // namespace
}  // namespace kiln::coordinator

int main(int argc, char** argv) {
  const auto status = kiln::coordinator::run(argc, argv);
  if (status) return 0;
  std::fprintf(stderr, "kiln-coordinator: %s\n", status.error().message.c_str());
  return status.error().code == kiln::Errc::invalid_argument ? 2 : 1;
}
