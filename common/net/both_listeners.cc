// Peers choose their routing ids, so the ids of the two are told apart by a letter before them.
#include "common/net/both_listeners.h"

namespace kiln::net {
namespace {

constexpr char kFirst = 'd';
constexpr char kSecond = 'r';

}  // namespace

BothListeners::~BothListeners() {
  second_.on_message(nullptr);
  second_.on_disconnect(nullptr);
}

void BothListeners::on_message(std::function<void(const PeerId&, wire::Frames)> fn) {
  first_->on_message(
      [fn](const PeerId& peer, wire::Frames frames) { fn(kFirst + peer, std::move(frames)); });
  second_.on_message(
      [fn](const PeerId& peer, wire::Frames frames) { fn(kSecond + peer, std::move(frames)); });
}

void BothListeners::on_disconnect(std::function<void(const PeerId&)> fn) {
  first_->on_disconnect([fn](const PeerId& peer) { fn(kFirst + peer); });
  second_.on_disconnect([fn](const PeerId& peer) { fn(kSecond + peer); });
}

Status BothListeners::send(const PeerId& peer, wire::Frames frames) {
  if (peer.empty()) return fail(Errc::unavailable, "send to a peer: its connection is gone");
  Listener& its = peer[0] == kFirst ? *first_ : second_;
  return its.send(peer.substr(1), std::move(frames));
}

void BothListeners::set_guard(std::function<bool(const PublicKey&)> admitted) {
  first_->set_guard(admitted);
  second_.set_guard(std::move(admitted));
}

void BothListeners::review(const wire::Frames& farewell) {
  first_->review(farewell);
  second_.review(farewell);
}

}  // namespace kiln::net
