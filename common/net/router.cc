// How a connection's end is found: the monitor tells the descriptor that closed, and messages tell
// the descriptor that they came from. Descriptors are used again at once, so events are drained
// before a descriptor is taken to belong to another peer; and messages that arrived before the end
// are delivered before it is reported.
#include "common/net/router.h"

#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/net/send_queue.h"
#include "common/net/socket.h"

namespace kiln::net {

namespace {

// A busy socket may never be drained: an end is reported after this time at the latest.
constexpr Duration kLongestClosing = milliseconds(100);

}  // namespace

struct Router::State {
  explicit State(Reactor& its_reactor) : reactor(its_reactor) {}

  struct Peer {
    int fd = -1;
    std::optional<PublicKey> key;
    bool closing = false;  // its connection is gone, its last messages may not be delivered yet
    SendQueue queue;
  };

  Reactor& reactor;
  SocketOptions options;
  bool keyed = false;  // every peer has proved a key
  std::unique_ptr<Socket> socket;
  std::string endpoint;
  std::unordered_map<PeerId, Peer> peers;
  std::unordered_map<int, PeerId> by_fd;
  std::unordered_set<int> closed_fds;                // closed and not in use again
  std::unordered_set<int> cut_fds;                   // in use by peers that were cut off
  std::deque<std::pair<TimePoint, PeerId>> closing;  // since when, the oldest first
  std::unordered_set<PeerId> blocked;                // have a queue
  std::function<void(const PeerId&, wire::Frames)> message;
  std::function<void(const PeerId&)> disconnect;
  std::function<bool(const PublicKey&)> guard;

  void receive(Arrival arrival);
  bool is_cut(int fd);
  bool unwanted(const std::optional<PublicKey>& key) const;
  void cut(const PeerId& id, const wire::Frames& farewell);
  void place(const Arrival& arrival);
  void connection(int fd, bool up);
  void close_fd(int fd);
  void close_peer(const PeerId& id, Peer& peer);
  void add_closing(const PeerId& id);
  void report_closing(bool drained);
  void forget(const PeerId& id);
  bool flush();
};

void Router::State::receive(Arrival arrival) {
  if (is_cut(arrival.fd)) return;
  const auto known = peers.find(arrival.peer);
  if (known == peers.end() || known->second.fd != arrival.fd) {
    if (unwanted(arrival.key)) return;
    place(arrival);
  }
  if (message) message(arrival.peer, std::move(arrival.frames));
}

bool Router::State::is_cut(int fd) {
  if (!cut_fds.contains(fd)) return false;
  socket->drain_connections();  // another peer may have the descriptor by now
  return cut_fds.contains(fd);
}

bool Router::State::unwanted(const std::optional<PublicKey>& key) const {
  // ZeroMQ lets everybody in where no gatekeeper answers, and then it names no key.
  if (!key) return keyed;
  return guard && !guard(*key);
}

void Router::State::cut(const PeerId& id, const wire::Frames& farewell) {
  const auto found = peers.find(id);
  if (found == peers.end()) return;  // a callback ended it
  Peer& peer = found->second;
  if (!peer.closing) {
    wire::Frames frames = farewell;
    if (peer.queue.empty()) socket->send(id, frames);
    by_fd.erase(peer.fd);
    cut_fds.insert(peer.fd);
  }
  forget(id);
}

// Learns at which connection a peer is.
void Router::State::place(const Arrival& arrival) {
  const PeerId& id = arrival.peer;
  const int fd = arrival.fd;
  socket->drain_connections();
  if (const auto known = peers.find(id); known != peers.end() && known->second.fd != fd) {
    if (!known->second.closing) by_fd.erase(known->second.fd);
    forget(id);  // the same routing id on another connection: it starts afresh
  }
  if (const auto other = by_fd.find(fd); other != by_fd.end() && other->second != id) close_fd(fd);
  Peer& peer = peers[id];
  peer.fd = fd;
  peer.key = arrival.key;
  if (fd < 0) return;
  if (closed_fds.contains(fd)) {
    peer.closing = true;
    add_closing(id);
  } else {
    by_fd[fd] = id;
  }
}

void Router::State::connection(int fd, bool up) {
  cut_fds.erase(fd);
  if (up) {
    closed_fds.erase(fd);
    return;
  }
  close_fd(fd);
  closed_fds.insert(fd);
}

void Router::State::close_fd(int fd) {
  const auto found = by_fd.find(fd);
  if (found == by_fd.end()) return;
  const PeerId id = found->second;
  close_peer(id, peers[id]);
}

// Its end is reported once everything that it sent before has been delivered.
void Router::State::close_peer(const PeerId& id, Peer& peer) {
  if (peer.closing) return;
  peer.closing = true;
  add_closing(id);
  by_fd.erase(peer.fd);
}

void Router::State::add_closing(const PeerId& id) {
  closing.emplace_back(reactor.now(), id);
}

// What its last messages are is known only when the socket is drained, which may never happen.
void Router::State::report_closing(bool drained) {
  const TimePoint now = reactor.now();
  auto due = closing.begin();
  while (due != closing.end() && (drained || now - due->first >= kLongestClosing)) ++due;
  const std::vector<std::pair<TimePoint, PeerId>> over(closing.begin(), due);
  closing.erase(closing.begin(), due);
  for (const auto& entry : over) {
    const auto found = peers.find(entry.second);
    if (found != peers.end() && found->second.closing) forget(entry.second);
  }
}

void Router::State::forget(const PeerId& id) {
  const auto held = peers.extract(id);  // `id` may be its key
  blocked.erase(id);
  if (disconnect) disconnect(id);
}

bool Router::State::flush() {
  for (const auto& id : std::vector<PeerId>(blocked.begin(), blocked.end())) {
    const auto found = peers.find(id);
    if (found == peers.end()) continue;
    bool gone = false;
    found->second.queue.flush([&](wire::Frames& frames) {
      const Sent sent = socket->send(id, frames);
      gone = sent == Sent::unreachable;
      return sent == Sent::yes;
    });
    if (gone) close_peer(id, found->second);
    if (gone || found->second.queue.empty()) blocked.erase(id);
  }
  return !blocked.empty();
}

Router::Router(std::unique_ptr<State> state) : state_(std::move(state)) {}
Router::~Router() = default;

Result<std::unique_ptr<Router>> Router::bind(Reactor& reactor, Context& context,
                                             const std::string& endpoint,
                                             const SocketOptions& options) {
  auto owned = std::make_unique<State>(reactor);
  State* state = owned.get();
  state->options = options;
  state->keyed = context.identity() != nullptr;
  Socket::Handlers handlers;
  handlers.message = [state](Arrival arrival) { state->receive(std::move(arrival)); };
  handlers.connection = [state](int fd, bool up) { state->connection(fd, up); };
  handlers.turned = [state](bool drained) { state->report_closing(drained); };
  handlers.flush = [state] { return state->flush(); };
  KILN_TRY_ASSIGN(state->socket,
                  Socket::open(reactor, context, SocketKind::router, options, std::move(handlers)));
  KILN_TRY_ASSIGN(state->endpoint, state->socket->bind(endpoint));
  return std::unique_ptr<Router>(new Router(std::move(owned)));
}

const std::string& Router::endpoint() const {
  return state_->endpoint;
}

void Router::on_message(std::function<void(const PeerId&, wire::Frames)> fn) {
  state_->message = std::move(fn);
}

void Router::on_disconnect(std::function<void(const PeerId&)> fn) {
  state_->disconnect = std::move(fn);
}

Status Router::send(const PeerId& peer, wire::Frames frames) {
  KILN_TRY(state_->socket->check_size(frames));
  const auto found = state_->peers.find(peer);
  if (found == state_->peers.end() || found->second.closing) {
    return fail(Errc::unavailable, "send to a peer: its connection is gone");
  }
  State::Peer& known = found->second;
  if (known.queue.empty()) {
    const Sent sent = state_->socket->send(peer, frames);
    if (sent == Sent::yes) return {};
    if (sent == Sent::unreachable) {
      state_->close_peer(peer, known);
      return fail(Errc::unavailable, "send to a peer: its connection is gone");
    }
  }
  if (!known.queue.push(std::move(frames), state_->options)) {
    return fail(Errc::resource_exhausted,
                "send to a peer: it does not read and its queue is full (" +
                    std::to_string(known.queue.bytes()) + " bytes)");
  }
  state_->blocked.insert(peer);
  return {};
}

std::optional<PublicKey> Router::key_of(const PeerId& peer) const {
  const auto found = state_->peers.find(peer);
  return found == state_->peers.end() ? std::nullopt : found->second.key;
}

void Router::set_guard(std::function<bool(const PublicKey&)> admitted) {
  state_->guard = std::move(admitted);
}

void Router::review(const wire::Frames& farewell) {
  std::vector<PeerId> over;
  for (const auto& [id, peer] : state_->peers) {
    if (state_->unwanted(peer.key)) over.push_back(id);
  }
  for (const auto& id : over) state_->cut(id, farewell);
}

std::size_t Router::queued_bytes(const PeerId& peer) const {
  const auto found = state_->peers.find(peer);
  return found == state_->peers.end() ? 0 : found->second.queue.bytes();
}

}  // namespace kiln::net
