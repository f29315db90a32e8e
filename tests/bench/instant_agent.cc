// An agent that says of every call at once that it is done: what is left of a call is the launcher.
// Usage: instant_agent SOCKET. Writes a line when it listens; ends when its standard input does.
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "common/wire/stream.h"

namespace {

using kiln::UniqueFd;

UniqueFd listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return UniqueFd();
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const bool listens =
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(fd.get(), SOMAXCONN) == 0;
  return listens ? std::move(fd) : UniqueFd();
}

void answer(int fd) {
  const auto request = kiln::wire::receive_message(fd);
  if (!request || !std::holds_alternative<kiln::wire::Call>(request->message)) return;
  static_cast<void>(kiln::wire::send_message(fd, kiln::wire::CallDone{}, {"", ""}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const UniqueFd listener = listen_at(argv[1]);
  if (!listener.valid() || ::write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  while (true) {
    pollfd watched[2] = {{listener.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0 || watched[1].revents != 0) return 0;
    const UniqueFd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.valid()) answer(fd.get());
  }
}
