// A bounded queue of messages that ZeroMQ has no room for yet. Inside common/net only.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "common/net/router.h"
#include "common/wire/codec.h"

namespace kiln::net {

class SendQueue {
 public:
  bool empty() const { return queue_.empty(); }
  std::size_t bytes() const { return bytes_; }

  // False: over the limits of `options`; nothing was taken.
  bool push(wire::Frames&& frames, const SocketOptions& options) {
    const std::size_t size = size_of(frames);
    if (queue_.size() >= options.queue_messages || bytes_ + size > options.queue_bytes) {
      return false;
    }
    bytes_ += size;
    queue_.push_back(std::move(frames));
    return true;
  }

  // Gives messages to `send`, in order, until one does not go; that one stays.
  template <typename Send>
  void flush(Send send) {
    while (!queue_.empty()) {
      const std::size_t size = size_of(queue_.front());
      if (!send(queue_.front())) return;
      bytes_ -= size;
      queue_.pop_front();
    }
  }

  void clear() {
    queue_.clear();
    bytes_ = 0;
  }

  // Bytes of a message without framing.
  static std::size_t size_of(const wire::Frames& frames) {
    std::size_t size = 0;
    for (const auto& frame : frames) size += frame.size();
    return size;
  }

 private:
  std::deque<wire::Frames> queue_;
  std::size_t bytes_ = 0;
};

}  // namespace kiln::net
