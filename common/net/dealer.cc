#include "common/net/dealer.h"

#include <utility>

#include "common/net/send_queue.h"
#include "common/net/socket.h"

namespace kiln::net {

struct Dealer::State {
  SocketOptions options;
  std::unique_ptr<Socket> socket;
  bool connected = false;
  SendQueue queue;
  std::function<void(wire::Frames)> message;
  std::function<void(bool)> state;

  void connection(bool up);
  bool flush();
};

// What is queued belongs to the connection that ended.
void Dealer::State::connection(bool up) {
  if (connected == up) return;
  connected = up;
  if (!up) queue.clear();
  if (state) state(up);
}

bool Dealer::State::flush() {
  bool broken = false;
  queue.flush([&](wire::Frames& frames) {
    const Sent sent = socket->send({}, frames);
    broken = sent == Sent::unreachable;
    return sent == Sent::yes;
  });
  if (broken) queue.clear();
  return !queue.empty();
}

Dealer::Dealer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Dealer::~Dealer() = default;

Result<std::unique_ptr<Dealer>> Dealer::connect(Reactor& reactor, Context& context,
                                                const std::string& endpoint,
                                                const SocketOptions& options) {
  auto owned = std::make_unique<State>();
  State* state = owned.get();
  state->options = options;
  Socket::Handlers handlers;
  handlers.message = [state](const PeerId&, int, wire::Frames frames) {
    if (state->message) state->message(std::move(frames));
  };
  handlers.connection = [state](int, bool up) { state->connection(up); };
  handlers.turned = [](bool) {};
  handlers.flush = [state] { return state->flush(); };
  KILN_TRY_ASSIGN(state->socket,
                  Socket::open(reactor, context, SocketKind::dealer, options, std::move(handlers)));
  KILN_TRY(state->socket->connect(endpoint));
  return std::unique_ptr<Dealer>(new Dealer(std::move(owned)));
}

void Dealer::on_message(std::function<void(wire::Frames)> fn) {
  state_->message = std::move(fn);
}

void Dealer::on_state(std::function<void(bool)> fn) {
  state_->state = std::move(fn);
}

bool Dealer::connected() const {
  return state_->connected;
}

Status Dealer::send(wire::Frames frames) {
  KILN_TRY(state_->socket->check_size(frames));
  if (!state_->connected) return fail(Errc::unavailable, "send to a peer: not connected");
  if (state_->queue.empty()) {
    const Sent sent = state_->socket->send({}, frames);
    if (sent == Sent::yes) return {};
    if (sent == Sent::unreachable) {
      return fail(Errc::unavailable, "send to a peer: the connection broke");
    }
  }
  if (!state_->queue.push(std::move(frames), state_->options)) {
    return fail(Errc::resource_exhausted,
                "send to a peer: it does not read and the queue is full (" +
                    std::to_string(state_->queue.bytes()) + " bytes)");
  }
  return {};
}

std::size_t Dealer::queued_bytes() const {
  return state_->queue.bytes();
}

}  // namespace kiln::net
