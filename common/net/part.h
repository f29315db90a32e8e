// A part of a ZeroMQ message, and ZeroMQ's errors. Inside common/net only.
#pragma once

#include <array>
#include <string>

#include "common/base/result.h"

struct zmq_msg_t;

namespace kiln::net {

class Part {
 public:
  Part();
  explicit Part(std::string&& bytes);
  ~Part();
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  // Neither waits; false: not now, zmq_errno() says why.
  bool receive(void* socket);
  bool send(void* socket, bool more);
  bool more() const;
  int source_fd();
  // The name that the Gatekeeper gave the connection that it came from; empty without one.
  std::string user();
  std::string bytes();

 private:
  zmq_msg_t* message() const;

  // A zmq_msg_t, whose header is for sources only.
  alignas(void*) mutable std::array<unsigned char, 64> storage_{};
};

tl::unexpected<Error> fail_zmq(const std::string& what, int number);

// The descriptor that becomes ready, edge-triggered, when `socket` has news.
Result<int> descriptor_of(void* socket);

// Whether something can be received; takes in the news that the descriptor told of.
bool readable(void* socket);

}  // namespace kiln::net
