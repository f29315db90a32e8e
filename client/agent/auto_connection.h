// A connection to a worker of which it is not known yet whether it is reached directly: directly if
// that comes about soon, through a coordinator if not. Or directly in any case, to a worker whose
// name must be looked up first.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/thread_pool.h"
#include "common/net/connection.h"
#include "common/net/reactor.h"

namespace kiln::client {

class AutoConnection final : public net::Connection {
 public:
  struct Parts {
    net::Reactor& reactor;
    ThreadPool& pool;  // looks names up
    // Both begin to connect. The first gets the worker's address with its name looked up.
    std::function<Result<std::unique_ptr<net::Connection>>(const std::string& address)> direct;
    // Without the second there is no other way, and no end of waiting.
    std::function<Result<std::unique_ptr<net::Connection>>()> relay;
    // Called once, when it is known; `why` it is not direct, for people.
    std::function<void(bool direct, const std::string& why)> settled;
  };

  AutoConnection(Parts parts, const std::string& address);
  ~AutoConnection() override;

  void on_message(std::function<void(wire::Frames)> fn) override;
  void on_state(std::function<void(bool connected)> fn) override;
  bool connected() const override { return way_ && way_->connected(); }
  Status send(wire::Frames frames) override;
  Duration patience() const override;
  bool is_stalled() const override { return way_ && way_->is_stalled(); }

 private:
  void wait();
  void looked_up(const Result<std::string>& address);
  void take(std::unique_ptr<net::Connection> way);
  void changed(bool connected);
  void give_up(const std::string& why);
  void settle(bool direct, const std::string& why);

  Parts parts_;
  std::unique_ptr<net::Connection> way_;
  bool settled_ = false;
  int late_ = 0;  // times that the end of waiting came late
  net::TimerId timer_ = 0;
  std::function<void(wire::Frames)> message_;
  std::function<void(bool)> state_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // the look-up asks whether we are
};

}  // namespace kiln::client
