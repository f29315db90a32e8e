#include "tests/unit/client/launcher/fake_agent.h"

#include <cstring>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/wire/stream.h"

namespace kiln::client {

FakeAgent::FakeAgent(const std::string& socket, Handler handler, bool greets)
    : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      handler_(std::move(handler)),
      greets_(greets) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(listener_.get(), 1000), 0);
  thread_ = std::thread([this] { serve(); });
}

FakeAgent::~FakeAgent() {
  ::shutdown(listener_.get(), SHUT_RDWR);  // wakes accept
  thread_.join();
}

void FakeAgent::serve() {
  while (true) {
    const UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) return;
    if (greets_) static_cast<void>(wire::send_message(fd.get(), wire::Pong{}));
    handler_(fd.get());
  }
}

FakeAgent::Handler FakeAgent::answering(wire::Message answer, wire::Frames raw,
                                        std::vector<wire::Message>* seen) {
  return [answer = std::move(answer), raw = std::move(raw), seen](int fd) {
    auto request = wire::receive_message(fd);
    if (!request) return;
    if (seen != nullptr) seen->push_back(request->message);
    static_cast<void>(wire::send_message(fd, answer, raw));
  };
}

}  // namespace kiln::client
