// A connection to a worker through one of an agent's coordinators. It comes back whenever there is
// a coordinator that reaches the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/net/connection.h"
#include "common/net/reactor.h"
#include "common/net/relay_trunk.h"

namespace kiln::net {

class RelayConnection final : public Connection {
 public:
  struct Target {
    std::string worker;
    std::uint64_t worker_epoch = 0;
    wire::RelayChannel channel = wire::RelayChannel::task;
  };

  // Starts to connect. `reactor` and the trunks, of which there is one at least, must outlive it.
  RelayConnection(Reactor& reactor, std::vector<RelayTrunk*> trunks, Target target);
  ~RelayConnection() override;

  void on_message(std::function<void(wire::Frames)> fn) override { message_ = std::move(fn); }
  void on_state(std::function<void(bool connected)> fn) override { state_ = std::move(fn); }
  bool connected() const override { return connected_; }
  Status send(wire::Frames frames) override;
  // Longer while no coordinator is reached, and when one is reached again: it may have been started
  // anew, and the worker must find it first.
  Duration patience() const override;
  bool is_stalled() const override { return connected_ && trunk_->is_silent(); }

 private:
  void try_next();
  void begin(RelayTrunk& trunk);
  void opened();
  void closed();
  void try_later();

  Reactor& reactor_;
  std::vector<RelayTrunk*> trunks_;
  Target target_;
  std::size_t next_ = 0;         // of trunks_, to be tried
  RelayTrunk* trunk_ = nullptr;  // of stream_
  StreamId stream_ = 0;          // 0: none
  bool connected_ = false;
  TimePoint lost_;  // when it was last connected, or began
  Duration pause_;
  TimerId timer_ = 0;
  std::function<void(wire::Frames)> message_;
  std::function<void(bool)> state_;
};

}  // namespace kiln::net
