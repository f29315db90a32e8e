#include "worker/executor/channel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/files.h"

namespace kiln::worker {
namespace {

// Well below the default socket buffer, so that a message never fails for its size.
constexpr std::size_t kInlineBytes = std::size_t{32} << 10U;

struct Header {
  MessageKind kind = MessageKind::ready;
  std::uint8_t body_in_file = 0;  // the last descriptor is a memory file with the body
};

using ControlBuffer = std::array<char, CMSG_SPACE(Channel::kMaxDescriptors * sizeof(int))>;

void attach(msghdr& message, ControlBuffer& control, const std::vector<int>& descriptors) {
  if (descriptors.empty()) return;
  const auto size = descriptors.size() * sizeof(int);
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(size);
  auto* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(part), descriptors.data(), size);
}

std::vector<UniqueFd> detach(msghdr& message) {
  std::vector<UniqueFd> descriptors;
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

// Of a call that receives: the peer closed with messages of ours unread. That is said once, at any
// moment; what the peer sent before is still there.
template <typename Call>
ssize_t past_reset(Call call) {
  const ssize_t count = call();
  return count < 0 && errno == ECONNRESET ? call() : count;
}

Result<UniqueFd> file_of(const std::string& body) {
  UniqueFd file(::memfd_create("message", MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("cannot make a memory file", errno);
  KILN_TRY(write_all(file.get(), body));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail_errno("cannot rewind a file", errno);
  return file;
}

}  // namespace

Result<std::pair<Channel, Channel>> Channel::make_pair() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return fail_errno("cannot make a socket pair", errno);
  }
  return std::pair(Channel(UniqueFd(ends[0])), Channel(UniqueFd(ends[1])));
}

Status Channel::send(MessageKind kind, std::string body, const std::vector<int>& descriptors) {
  Header header{kind, 0};
  auto all = descriptors;
  UniqueFd file;
  if (body.size() > kInlineBytes) {
    KILN_TRY_ASSIGN(file, file_of(body));
    all.push_back(file.get());
    header.body_in_file = 1;
    body.clear();
  }
  iovec parts[2] = {{&header, sizeof header}, {body.data(), body.size()}};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  attach(message, control, all);
  while (::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno != EINTR) return fail_errno("cannot send to another process of the worker", errno);
  }
  return {};
}

Result<std::optional<LocalMessage>> Channel::receive() {
  // Asked first: a buffer for the largest message costs a fresh init, each of whose pages is still
  // shared with its parent, more time than its task's root does.
  const auto waiting = past_reset(
      [this] { return ::recv(fd_.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT); });
  if (waiting < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (waiting < 0) return fail_errno("cannot receive from another process of the worker", errno);
  if (waiting == 0) return fail(Errc::unavailable, "another process of the worker is gone");
  Header header;
  const auto size = static_cast<std::size_t>(waiting);
  std::string body(size - std::min(size, sizeof header), '\0');
  iovec parts[2] = {{&header, sizeof header}, {body.data(), body.size()}};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto count =
      past_reset([&] { return ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT); });
  if (count < 0) return fail_errno("cannot receive from another process of the worker", errno);
  LocalMessage received;
  received.kind = header.kind;
  received.descriptors = detach(message);
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    return fail(Errc::resource_exhausted,
                "no room for the descriptors of a message between the worker's processes; raise "
                "the limit on open files");
  }
  received.body = std::move(body);
  if (header.body_in_file != 0 && !received.descriptors.empty()) {
    KILN_TRY_ASSIGN(received.body, read_all(received.descriptors.back().get()));
    received.descriptors.pop_back();
  }
  return received;
}

}  // namespace kiln::worker
