// How streams through a coordinator begin and end. Part of messages.h; relay_frame.h has what
// travels in between.
#pragma once

#include <cstdint>
#include <string>

#include "common/model/key.h"

namespace kiln::wire {

enum class RelayChannel : std::uint8_t { task, bulk };

// From a worker, first on a connection of its own to the worker port: streams for it come here.
struct RelayHello {
  std::string worker;
  std::uint64_t worker_epoch = 0;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("worker", self.worker);
    visit("worker_epoch", self.worker_epoch);
  }
  friend bool operator==(const RelayHello&, const RelayHello&) = default;
};

// Begins a stream: from an agent to its coordinator, and from there, under a number of that
// connection, to the worker. Answered by RelayOpen in the other direction, with the same number, or
// by RelayClose.
struct RelayOpen {
  std::uint64_t stream = 0;  // its number on this connection, never used before on it
  std::string worker;
  std::uint64_t worker_epoch = 0;
  RelayChannel channel = RelayChannel::task;
  std::uint32_t credit = 0;  // bytes that the sender of this takes at first
  PublicKey key;             // of the agent, put in by the coordinator; zeros: the farm has none

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("stream", self.stream);
    visit("worker", self.worker);
    visit("worker_epoch", self.worker_epoch);
    visit("channel", self.channel);
    visit("credit", self.credit);
    visit("key", self.key);
  }
  friend bool operator==(const RelayOpen&, const RelayOpen&) = default;
};

// Ends a stream, from any side; what is on its way is dropped. Never answered.
struct RelayClose {
  std::uint64_t stream = 0;
  std::string code;  // an Errc by name
  std::string reason;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("stream", self.stream);
    visit("code", self.code);
    visit("reason", self.reason);
  }
  friend bool operator==(const RelayClose&, const RelayClose&) = default;
};

}  // namespace kiln::wire
