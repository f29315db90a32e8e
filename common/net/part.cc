#include "common/net/part.h"

#include <cstddef>
#include <cstring>
#include <utility>

#include <zmq.h>

namespace kiln::net {
namespace {

constexpr std::size_t kCopyBytes = 16384;  // larger ones are handed over instead of copied

}  // namespace

static_assert(sizeof(zmq_msg_t) == 64 && alignof(zmq_msg_t) == alignof(void*));

zmq_msg_t* Part::message() const {
  return reinterpret_cast<zmq_msg_t*>(storage_.data());
}

Part::Part() {
  zmq_msg_init(message());
}

Part::Part(std::string&& bytes) {
  if (bytes.size() <= kCopyBytes) {
    zmq_msg_init_size(message(), bytes.size());
    if (!bytes.empty()) std::memcpy(zmq_msg_data(message()), bytes.data(), bytes.size());
    return;
  }
  auto* owned = new std::string(std::move(bytes));
  zmq_msg_init_data(
      message(), owned->data(), owned->size(),
      [](void*, void* hint) { delete static_cast<std::string*>(hint); }, owned);
}

Part::~Part() {
  zmq_msg_close(message());
}

bool Part::receive(void* socket) {
  return zmq_msg_recv(message(), socket, ZMQ_DONTWAIT) >= 0;
}

bool Part::send(void* socket, bool more) {
  return zmq_msg_send(message(), socket, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) >= 0;
}

bool Part::more() const {
  return zmq_msg_more(message()) != 0;
}

int Part::source_fd() {
  return zmq_msg_get(message(), ZMQ_SRCFD);
}

std::string Part::user() {
  const char* const user = zmq_msg_gets(message(), "User-Id");
  return user == nullptr ? std::string() : std::string(user);
}

std::string Part::bytes() {
  return {static_cast<const char*>(zmq_msg_data(message())), zmq_msg_size(message())};
}

tl::unexpected<Error> fail_zmq(const std::string& what, int number) {
  if (number < ZMQ_HAUSNUMERO) return fail_errno(what, number);
  return fail(Errc::io, what + ": " + zmq_strerror(number));
}

Result<int> descriptor_of(void* socket) {
  int fd = -1;
  std::size_t size = sizeof fd;
  if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0) {
    return fail_zmq("get a socket's descriptor", zmq_errno());
  }
  return fd;
}

bool readable(void* socket) {
  int events = 0;
  std::size_t size = sizeof events;
  return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0;
}

}  // namespace kiln::net
