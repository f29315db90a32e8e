#include "client/agent/auto_connection.h"

#include <utility>

#include "common/net/resolve.h"

namespace kiln::client {
namespace {

// A worker that can be reached is connected within a few exchanges, but machines may be very busy.
constexpr Duration kDirect = seconds(2);
constexpr Duration kLate = milliseconds(100);
constexpr int kMostLate = 3;

}  // namespace

AutoConnection::AutoConnection(Parts parts, const std::string& address) : parts_(std::move(parts)) {
  if (parts_.relay) wait();
  if (net::is_resolved(address)) {
    looked_up(address);
    return;
  }
  // ZeroMQ would look the name up on the thread that serves all connections.
  auto found = std::make_shared<Result<std::string>>(address);
  parts_.reactor.offload(
      parts_.pool, [address, found] { *found = net::resolve(address); },
      [this, found, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) looked_up(*found);
      });
}

// When it is we who stood still, that the worker answered has not been read yet.
void AutoConnection::wait() {
  const TimePoint due = parts_.reactor.now() + kDirect;
  timer_ = parts_.reactor.call_at(due, [this, due] {
    timer_ = 0;
    if (parts_.reactor.now() - due > kLate && ++late_ < kMostLate) return wait();
    give_up("it cannot be reached directly within 2 s");
  });
}

AutoConnection::~AutoConnection() {
  parts_.reactor.cancel(timer_);
}

void AutoConnection::looked_up(const Result<std::string>& address) {
  if (settled_) return;
  if (!address) return give_up(address.error().message);
  auto way = parts_.direct(*address);
  if (!way) return give_up(way.error().message);
  take(std::move(*way));
}

void AutoConnection::take(std::unique_ptr<net::Connection> way) {
  way_ = std::move(way);
  way_->on_message([this](wire::Frames frames) {
    if (message_) message_(std::move(frames));
  });
  way_->on_state([this](bool connected) { changed(connected); });
  if (way_->connected()) changed(true);
}

void AutoConnection::changed(bool connected) {
  if (connected) settle(true, "");
  if (state_) state_(connected);
}

void AutoConnection::give_up(const std::string& why) {
  settle(false, why);
  if (parts_.relay) {
    auto way = parts_.relay();
    if (way) return take(std::move(*way));
  }
  way_.reset();  // nothing is connected: whoever waits loses patience
}

void AutoConnection::settle(bool direct, const std::string& why) {
  if (std::exchange(settled_, true)) return;
  parts_.reactor.cancel(std::exchange(timer_, 0));
  parts_.settled(direct, why);
}

void AutoConnection::on_message(std::function<void(wire::Frames)> fn) {
  message_ = std::move(fn);
}

void AutoConnection::on_state(std::function<void(bool)> fn) {
  state_ = std::move(fn);
}

Status AutoConnection::send(wire::Frames frames) {
  if (!way_) return fail(Errc::unavailable, "send to a peer: not connected");
  return way_->send(std::move(frames));
}

Duration AutoConnection::patience() const {
  if (!settled_ && (parts_.relay || !way_)) return (kMostLate + 1) * kDirect;
  return way_ ? way_->patience() : Duration(0);
}

}  // namespace kiln::client
