// kiln-nursery: what kiln-worker starts to have executors; no command for people.
#include <cstdio>
#include <string>

#include <sys/socket.h>

#include "common/base/version.h"
#include "worker/executor/nursery.h"

namespace {

bool has_channel() {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(kiln::worker::kNurseryChannel, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
         type == SOCK_SEQPACKET;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--version") {
    std::printf("kiln-nursery %s\n", std::string(kiln::kVersion).c_str());
    return 0;
  }
  if (argc == 2 && has_channel()) kiln::worker::run_nursery(argv[1]);
  std::fputs("kiln-nursery: this is a part of kiln-worker, which starts it; start kiln-worker\n",
             stderr);
  return 2;
}
