#include "common/net/dealer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/net/endpoint.h"
#include "common/net/send_queue.h"
#include "common/net/socket.h"

namespace kiln::net {
namespace {

constexpr Duration kReopen = seconds(1);          // after a rejection that will hold for a while
constexpr Duration kNextKey = milliseconds(100);  // when another key may be the right one
// A broken connection to a peer that lives comes back within this time.
constexpr Duration kReconnect = milliseconds(1500);

}  // namespace

struct Dealer::State {
  State(Reactor& its_reactor, Context& its_context) : reactor(its_reactor), context(its_context) {}
  ~State() { reactor.cancel(reopening); }

  Reactor& reactor;
  Context& context;
  std::string endpoint;
  SocketOptions options;
  std::unique_ptr<Socket> socket;
  TimerId reopening = 0;
  bool connected = false;
  std::optional<Rejection> rejection;
  std::size_t keys_refused = 0;  // in a row, and not even shaken hands with
  SendQueue queue;
  std::function<void(wire::Frames)> message;
  std::function<void(bool)> state;

  Status open();
  void connection(bool up);
  void rejected(Rejection why);
  void reopen();
  bool flush();
};

Status Dealer::State::open() {
  Socket::Handlers handlers;
  handlers.message = [this](Arrival arrival) {
    if (message) message(std::move(arrival.frames));
  };
  handlers.connection = [this](int, bool up) { connection(up); };
  handlers.rejected = [this](Rejection why) { rejected(why); };
  handlers.turned = [](bool) {};
  handlers.flush = [this] { return flush(); };
  KILN_TRY_ASSIGN(socket, Socket::open(reactor, context, SocketKind::dealer, options, handlers));
  return socket->connect(endpoint);
}

// ZeroMQ gives a socket up whose peer rejected it, and a socket has one key of its peer: so the
// next try is another socket's.
void Dealer::State::rejected(Rejection why) {
  keys_refused = why == Rejection::no_handshake ? keys_refused + 1 : 0;
  const bool other_key = options.peer_keys.size() > 1;
  // Nobody is told of one wrong key while there are others that may be the right one.
  const bool is_last = why != Rejection::no_handshake || keys_refused >= options.peer_keys.size();
  if (is_last && std::exchange(rejection, why) != why && state) state(connected);
  if (why == Rejection::no_handshake && !other_key) return;
  if (reopening != 0) return;
  reopening =
      reactor.call_after(why == Rejection::no_handshake ? kNextKey : kReopen, [this] { reopen(); });
}

void Dealer::State::reopen() {
  reopening = 0;
  connection(false);
  auto& keys = options.peer_keys;
  if (keys_refused > 0 && !keys.empty()) {
    std::rotate(keys.begin(), keys.begin() + 1, keys.end());
  }
  // What made the first socket can make another; if not, for lack of descriptors, later.
  if (!open()) reopening = reactor.call_after(kReopen, [this] { reopen(); });
}

// What is queued belongs to the connection that ended.
void Dealer::State::connection(bool up) {
  if (up) {
    rejection.reset();
    keys_refused = 0;
  }
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
  KILN_TRY_ASSIGN(const Endpoint address, parse_endpoint(endpoint, 0));
  auto state = std::make_unique<State>(reactor, context);
  state->endpoint = endpoint;
  state->options = options;
  const bool keyed = context.identity() != nullptr;
  if (address.key && !keyed) {
    return fail(Errc::permission_denied,
                "connect to " + endpoint + ": it has a key, and this program has none of its own");
  }
  if (address.key) state->options.peer_keys = {*address.key};
  if (keyed && state->options.peer_keys.empty()) {
    return fail(Errc::permission_denied, "connect to " + endpoint + ": no key of it is known");
  }
  KILN_TRY(state->open());
  return std::unique_ptr<Dealer>(new Dealer(std::move(state)));
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

void Dealer::restart() {
  State& state = *state_;
  state.connection(false);
  if (state.reopening == 0) {
    state.reopening = state.reactor.call_after(kNextKey, [&state] { state.reopen(); });
  }
}

std::optional<Rejection> Dealer::rejection() const {
  return state_->rejection;
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

Duration Dealer::patience() const {
  return kReconnect;
}

std::size_t Dealer::queued_bytes() const {
  return state_->queue.bytes();
}

}  // namespace kiln::net
