// The bytes of a session: messages in and out of a socket, without ever blocking.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/wire/codec.h"
#include "common/wire/stream.h"

namespace kiln::v1 {

class SessionLink {
 public:
  // Owns the socket, whose session is open.
  explicit SessionLink(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  // Bytes that wait to be sent.
  std::size_t backlog() const { return outgoing_.size() - sent_; }

  void queue(const wire::Message& message);
  // Sends what the socket takes. Errc::unavailable when the agent is gone.
  kiln::Status flush();
  // What has come. Errc::unavailable when the agent is gone, corrupt or version_mismatch when it
  // cannot be understood.
  kiln::Result<std::vector<wire::Envelope>> receive();

 private:
  UniqueFd fd_;
  wire::StreamDecoder decoder_;
  std::string outgoing_;
  std::size_t sent_ = 0;
};

}  // namespace kiln::v1
