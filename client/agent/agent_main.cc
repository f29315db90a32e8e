// kiln-agent: started by the first `kiln` call of a user, see client/cli/README.md.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sys/resource.h>
#include <unistd.h>

#include "client/agent/agent.h"
#include "common/base/version.h"

namespace {

constexpr std::string_view kHelp =
    "kiln-agent: the client side of Kiln on this machine, one for each user.\n"
    "The first `kiln` call starts it; `kiln agent stop` ends it; see `kiln --help`.\n"
    "\n"
    "  --ready-fd N   write a byte to descriptor N once calls are accepted, or why not\n"
    "  --version      print the version\n";

int complain(const std::string& message) {
  std::fprintf(stderr, "kiln-agent: %s\n", message.c_str());
  return 1;
}

// Every launcher that waits is a connection: make -j1000 has a thousand.
void allow_many_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 65536);
  ::setrlimit(RLIMIT_NOFILE, &files);
}

// "1", or "!" and why this agent cannot serve: its stderr may be nobody's.
void tell(int fd, const std::string& text) {
  if (fd < 0) return;
  static_cast<void>(!::write(fd, text.data(), text.size()));
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  int ready_fd = -1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--ready-fd" && i + 1 < argc) {
      ready_fd = std::atoi(argv[++i]);
    } else if (argument == "--help") {
      std::fputs(kHelp.data(), stdout);
      return 0;
    } else if (argument == "--version") {
      std::printf("kiln-agent %s\n", std::string(kiln::kVersion).c_str());
      return 0;
    } else {
      complain("unknown argument \"" + std::string(argument) + "\"; see kiln-agent --help");
      return 2;
    }
  }
  allow_many_files();
  const auto environment = kiln::client::read_environment(environ);
  auto agent = kiln::client::Agent::create(environment);
  if (!agent) {
    tell(ready_fd, "!" + agent.error().message);
    return complain(agent.error().message);
  }
  tell(ready_fd, "1");
  (*agent)->run();
  return 0;
}
