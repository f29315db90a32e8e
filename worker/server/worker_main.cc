// kiln-worker: serves tasks on this node.
#include <cstdio>

#include "common/base/version.h"
#include "common/metrics/health_check.h"
#include "worker/server/worker.h"

namespace {

constexpr kiln::Duration kHealthLimit = kiln::seconds(5);

int complain(const kiln::Error& error) {
  std::fprintf(stderr, "kiln-worker: %s\n", error.message.c_str());
  return error.code == kiln::Errc::invalid_argument ? 2 : 1;
}

// Serves, or asks the worker that does.
kiln::Status run(const kiln::config::Settings& settings) {
  KILN_TRY_ASSIGN(auto options, kiln::worker::read_options(settings));
  KILN_TRY_ASSIGN(const auto only_asks, settings.boolean("check-health"));
  if (only_asks) return kiln::metrics::check_health(options.http, "/readyz", kHealthLimit);
  KILN_TRY_ASSIGN(const auto worker, kiln::worker::Worker::create(std::move(options)));
  return worker->run();
}

}  // namespace

int main(int argc, char** argv) {
  auto settings = kiln::worker::worker_settings();
  const kiln::config::ProgramInfo program{"kiln-worker",
                                          "Runs the compile tasks of a Kiln farm on this node.",
                                          std::string(kiln::kVersion)};
  const auto answer = kiln::config::load_settings(settings, program, argc, argv,
                                                  kiln::config::process_environment());
  if (!answer) return complain(answer.error());
  if (*answer) {
    std::fputs((*answer)->c_str(), stdout);
    return 0;
  }
  const auto ended = run(settings);
  return ended ? 0 : complain(ended.error());
}
