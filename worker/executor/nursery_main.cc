// kiln-nursery: what kiln-worker starts to have executors; no command for people.
#include <cstdio>
#include <string>

#include <fcntl.h>

#include "common/base/version.h"
#include "worker/executor/nursery.h"

int main(int argc, char** argv) {
  const bool is_started_by_worker =
      argc == 2 && ::fcntl(kiln::worker::kNurseryChannel, F_GETFD) >= 0;
  if (is_started_by_worker) kiln::worker::run_nursery(argv[1]);
  if (argc == 2 && std::string(argv[1]) == "--version") {
    std::printf("kiln-nursery %s\n", std::string(kiln::kVersion).c_str());
    return 0;
  }
  std::fputs("kiln-nursery: this is a part of kiln-worker, which starts it; start kiln-worker\n",
             stderr);
  return 2;
}
