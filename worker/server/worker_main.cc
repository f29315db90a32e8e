// kiln-worker: serves tasks on this node.
#include <cstdio>

#include "common/base/version.h"
#include "worker/server/worker.h"

namespace {

int complain(const kiln::Error& error) {
  std::fprintf(stderr, "kiln-worker: %s\n", error.message.c_str());
  return error.code == kiln::Errc::invalid_argument ? 2 : 1;
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
  auto options = kiln::worker::read_options(settings);
  if (!options) return complain(options.error());
  auto worker = kiln::worker::Worker::create(std::move(*options));
  if (!worker) return complain(worker.error());
  const auto ended = (*worker)->run();
  return ended ? 0 : complain(ended.error());
}
