#include "client/library/session_link.h"

#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace kiln::v1 {
namespace {

constexpr std::size_t kPart = std::size_t{256} << 10;

}  // namespace

void SessionLink::queue(const wire::Message& message) {
  outgoing_ += wire::pack_stream(wire::encode(message));
}

kiln::Status SessionLink::flush() {
  while (sent_ < outgoing_.size()) {
    const ssize_t count = ::send(fd_.get(), outgoing_.data() + sent_, outgoing_.size() - sent_,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) return fail_errno("cannot send to the agent", errno);
    sent_ += static_cast<std::size_t>(count);
  }
  outgoing_.erase(0, std::exchange(sent_, 0));
  return {};
}

kiln::Result<std::vector<wire::Envelope>> SessionLink::receive() {
  std::string buffer(kPart, '\0');
  ssize_t count = -1;
  do {
    count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  std::vector<wire::Envelope> envelopes;
  if (count < 0 && errno == EAGAIN) return envelopes;
  if (count < 0) return fail_errno("cannot hear from the agent", errno);
  if (count == 0) return fail(Errc::unavailable, "the agent has closed the connection");
  KILN_TRY(decoder_.feed({buffer.data(), static_cast<std::size_t>(count)}));
  while (auto frames = decoder_.next()) {
    KILN_TRY_ASSIGN(auto envelope, wire::decode(std::move(*frames)));
    envelopes.push_back(std::move(envelope));
  }
  return envelopes;
}

}  // namespace kiln::v1
