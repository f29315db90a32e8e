#include "common/net/socket.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <utility>

#include <sys/epoll.h>
#include <zmq.h>

#include "common/net/endpoint.h"
#include "common/net/part.h"

namespace kiln::net {
namespace {

constexpr std::size_t kMaxFrames = std::size_t{1} << 16;
// A wake-up for a full queue can be used up by another call, see Socket::turn.
constexpr Duration kRetry = milliseconds(10);

constexpr int kHandshakeFailures = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

Rejection rejection_of(int event) {
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return Rejection::not_allowed;
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) return Rejection::other_mechanism;
  return Rejection::no_handshake;
}

// 128 random bits; ZeroMQ reserves ids that begin with a zero byte.
std::string fresh_routing_id() {
  std::random_device random;
  std::string id = "k";
  for (int i = 0; i < 4; ++i) {
    const std::uint32_t word = random();
    id.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  return id;
}

}  // namespace

Socket::Socket(Reactor& reactor, Context& context, SocketKind kind, const SocketOptions& options,
               Handlers handlers)
    : reactor_(reactor),
      context_(context),
      kind_(kind),
      options_(options),
      handlers_(std::move(handlers)),
      alive_(std::make_shared<Socket*>(this)) {}

Result<std::unique_ptr<Socket>> Socket::open(Reactor& reactor, Context& context, SocketKind kind,
                                             const SocketOptions& options, Handlers handlers) {
  std::unique_ptr<Socket> socket(new Socket(reactor, context, kind, options, std::move(handlers)));
  KILN_TRY(socket->set_up());
  return socket;
}

Socket::~Socket() {
  reactor_.cancel(retry_);
  if (socket_fd_ >= 0) reactor_.unwatch_fd(socket_fd_);
  if (monitor_fd_ >= 0) reactor_.unwatch_fd(monitor_fd_);
  if (socket_ != nullptr) {
    zmq_socket_monitor(socket_, nullptr, 0);
    zmq_close(socket_);
  }
  if (monitor_ != nullptr) zmq_close(monitor_);
}

Status Socket::set_up() {
  socket_ = zmq_socket(context_.handle(), kind_ == SocketKind::router ? ZMQ_ROUTER : ZMQ_DEALER);
  if (socket_ == nullptr) return fail_zmq("create a socket", zmq_errno());
  KILN_TRY(set_options());
  KILN_TRY(open_monitor());
  KILN_TRY_ASSIGN(socket_fd_, descriptor_of(socket_));
  KILN_TRY(reactor_.watch_fd(socket_fd_, EPOLLIN, [this](std::uint32_t) { turn(); }));
  KILN_TRY_ASSIGN(monitor_fd_, descriptor_of(monitor_));
  return reactor_.watch_fd(monitor_fd_, EPOLLIN, [this](std::uint32_t) { turn(); });
}

Status Socket::open_monitor() {
  // Not named after `this`: ZeroMQ lets a closed monitor's name go only a while later.
  const std::string name = "inproc://kiln-monitor-" + std::to_string(context_.next_number());
  const int events =
      ZMQ_EVENT_DISCONNECTED |
      (kind_ == SocketKind::router ? ZMQ_EVENT_ACCEPTED
                                   : ZMQ_EVENT_HANDSHAKE_SUCCEEDED | kHandshakeFailures);
  if (zmq_socket_monitor(socket_, name.c_str(), events) != 0) {
    return fail_zmq("monitor a socket", zmq_errno());
  }
  monitor_ = zmq_socket(context_.handle(), ZMQ_PAIR);
  if (monitor_ == nullptr) return fail_zmq("create a monitor", zmq_errno());
  // Unbounded: a full monitor would block ZeroMQ's I/O thread. It holds two events a connection.
  const int zero = 0;
  zmq_setsockopt(monitor_, ZMQ_RCVHWM, &zero, sizeof zero);
  zmq_setsockopt(monitor_, ZMQ_LINGER, &zero, sizeof zero);
  if (zmq_connect(monitor_, name.c_str()) != 0) {
    return fail_zmq("connect a monitor", zmq_errno());
  }
  return {};
}

Status Socket::set(int option, int value, const char* name) {
  if (zmq_setsockopt(socket_, option, &value, sizeof value) == 0) return {};
  return fail_zmq(std::string("set a socket's option ") + name, zmq_errno());
}

Status Socket::set_bytes(int option, const void* bytes, std::size_t size, const char* name) {
  if (zmq_setsockopt(socket_, option, bytes, size) == 0) return {};
  return fail_zmq(std::string("set a socket's option ") + name, zmq_errno());
}

Status Socket::set_curve() {
  const KeyPair& identity = *context_.identity();
  const auto& secret = identity.secret_key.bytes();
  KILN_TRY(set_bytes(ZMQ_CURVE_SECRETKEY, secret.data(), secret.size(), "CURVE_SECRETKEY"));
  if (kind_ == SocketKind::router) {
    KILN_TRY(set(ZMQ_CURVE_SERVER, 1, "CURVE_SERVER"));
    const auto& domain = options_.domain;
    return set_bytes(ZMQ_ZAP_DOMAIN, domain.data(), domain.size(), "ZAP_DOMAIN");
  }
  const auto& own = identity.public_key.bytes;
  const auto& peer = options_.peer_keys.at(0).bytes;
  KILN_TRY(set_bytes(ZMQ_CURVE_PUBLICKEY, own.data(), own.size(), "CURVE_PUBLICKEY"));
  return set_bytes(ZMQ_CURVE_SERVERKEY, peer.data(), peer.size(), "CURVE_SERVERKEY");
}

Status Socket::set_options() {
  KILN_TRY(set(ZMQ_LINGER, 0, "LINGER"));
  KILN_TRY(set(ZMQ_SNDHWM, options_.high_water_messages, "SNDHWM"));
  KILN_TRY(set(ZMQ_RCVHWM, options_.high_water_messages, "RCVHWM"));
  KILN_TRY(set(ZMQ_TCP_KEEPALIVE, 1, "TCP_KEEPALIVE"));
  KILN_TRY(set(ZMQ_TCP_KEEPALIVE_IDLE, 30, "TCP_KEEPALIVE_IDLE"));
  KILN_TRY(set(ZMQ_TCP_KEEPALIVE_INTVL, 5, "TCP_KEEPALIVE_INTVL"));
  KILN_TRY(set(ZMQ_TCP_KEEPALIVE_CNT, 3, "TCP_KEEPALIVE_CNT"));
  KILN_TRY(set(ZMQ_TCP_MAXRT, 15'000, "TCP_MAXRT"));
  const auto max_frame = static_cast<std::int64_t>(options_.max_frame_bytes);
  KILN_TRY(set_bytes(ZMQ_MAXMSGSIZE, &max_frame, sizeof max_frame, "MAXMSGSIZE"));
  if (context_.identity() != nullptr) KILN_TRY(set_curve());
  if (kind_ == SocketKind::router) {
    KILN_TRY(set(ZMQ_ROUTER_MANDATORY, 1, "ROUTER_MANDATORY"));
    return set(ZMQ_ROUTER_HANDOVER, 1, "ROUTER_HANDOVER");
  }
  KILN_TRY(set(ZMQ_IMMEDIATE, 1, "IMMEDIATE"));
  KILN_TRY(set(ZMQ_RECONNECT_IVL, 100, "RECONNECT_IVL"));
  KILN_TRY(set(ZMQ_RECONNECT_IVL_MAX, 2000, "RECONNECT_IVL_MAX"));
  KILN_TRY(set(ZMQ_CONNECT_TIMEOUT, 5000, "CONNECT_TIMEOUT"));
  const std::string id = fresh_routing_id();
  return set_bytes(ZMQ_ROUTING_ID, id.data(), id.size(), "ROUTING_ID");
}

Result<std::string> Socket::bind(const std::string& endpoint) {
  KILN_TRY_ASSIGN(Endpoint address, parse_endpoint(endpoint, 0));
  if (address.key) {
    return fail(Errc::invalid_argument, "listen at " + endpoint + ": a key has no place here");
  }
  if (address.host == "localhost") address.host = "127.0.0.1";  // ZeroMQ binds to addresses only
  const std::string what = "listen at " + endpoint;
  KILN_TRY(set(ZMQ_IPV6, address.host.find(':') != std::string::npos ? 1 : 0, "IPV6"));
  if (zmq_bind(socket_, address.text().c_str()) != 0) {
    if (zmq_errno() == ENODEV) {
      return fail(Errc::invalid_argument, what + ": this machine has no such address");
    }
    if (zmq_errno() == EADDRINUSE || zmq_errno() == EADDRNOTAVAIL) {
      return fail(Errc::already_exists,
                  what +
                      ": the address is in use or not of this machine; stop what listens there "
                      "or choose another");
    }
    return fail_zmq(what, zmq_errno());
  }
  std::array<char, 256> actual{};
  std::size_t size = actual.size();
  if (zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, actual.data(), &size) != 0) {
    return fail_zmq(what, zmq_errno());
  }
  schedule_turn();
  return std::string(actual.data());
}

Status Socket::connect(const std::string& endpoint) {
  KILN_TRY_ASSIGN(Endpoint address, parse_endpoint(endpoint, 0));
  address.key.reset();  // a Dealer's affair
  if (address.port == 0 || address.host == "*") {
    return fail(Errc::invalid_argument, "connect to " + endpoint + ": host and port are needed");
  }
  KILN_TRY(set(ZMQ_IPV6, address.host.find(':') != std::string::npos ? 1 : 0, "IPV6"));
  if (zmq_connect(socket_, address.text().c_str()) != 0) {
    return fail_zmq("connect to " + endpoint, zmq_errno());
  }
  schedule_turn();
  return {};
}

Status Socket::check_size(const wire::Frames& frames) const {
  if (frames.empty()) return fail(Errc::invalid_argument, "send a message without frames");
  for (const auto& frame : frames) {
    if (frame.size() <= options_.max_sent_bytes) continue;
    return fail(Errc::invalid_argument, "send a frame of " + std::to_string(frame.size()) +
                                            " bytes: the limit is " +
                                            std::to_string(options_.max_sent_bytes));
  }
  return {};
}

// ZeroMQ takes or refuses a message by its first part. A later part fails only when the connection
// ends in between, and then the rest must be given all the same: ZeroMQ discards up to the last.
Sent Socket::send(const PeerId& peer, wire::Frames& frames) {
  schedule_turn();
  std::size_t next = 0;
  Part first(kind_ == SocketKind::router ? std::string(peer) : std::string(frames.at(next++)));
  if (!first.send(socket_, next < frames.size())) {
    return zmq_errno() == EAGAIN ? Sent::full : Sent::unreachable;
  }
  bool whole = true;
  for (; next < frames.size(); ++next) {
    Part part(std::move(frames[next]));
    whole = part.send(socket_, next + 1 < frames.size()) && whole;
  }
  return whole ? Sent::yes : Sent::unreachable;
}

void Socket::drain_connections() {
  while (true) {
    Part event;
    if (!event.receive(monitor_)) return;
    if (event.more()) Part().receive(monitor_);  // the address
    const std::string bytes = event.bytes();
    if (bytes.size() < 6) continue;
    std::uint16_t kind = 0;
    std::int32_t value = 0;
    std::memcpy(&kind, bytes.data(), sizeof kind);
    std::memcpy(&value, bytes.data() + sizeof kind, sizeof value);
    if ((kind & kHandshakeFailures) != 0) {
      handlers_.rejected(rejection_of(kind));
    } else {
      handlers_.connection(value, kind != ZMQ_EVENT_DISCONNECTED);
    }
  }
}

bool Socket::receive_one() {
  Arrival arrival;
  if (kind_ == SocketKind::router) {
    Part id;
    if (!id.receive(socket_)) return false;
    arrival.peer = id.bytes();
    if (!id.more()) return true;
  }
  wire::Frames& frames = arrival.frames;
  bool more = true;
  while (more) {
    Part part;
    if (!part.receive(socket_)) return false;
    if (arrival.fd < 0) {
      arrival.fd = part.source_fd();
      if (context_.identity() != nullptr) arrival.key = key_of_user(part.user());
    }
    more = part.more();
    if (frames.size() <= kMaxFrames) frames.push_back(part.bytes());
  }
  // A message that was cut would be read as another one; one without frames is refused.
  if (frames.size() > kMaxFrames) frames.clear();
  handlers_.message(std::move(arrival));
  return true;
}

void Socket::schedule_turn() {
  if (turn_scheduled_) return;
  turn_scheduled_ = true;
  reactor_.defer([weak = std::weak_ptr<Socket*>(alive_)] {
    const auto alive = weak.lock();
    if (alive) (*alive)->turn();
  });
}

void Socket::turn() {
  turn_scheduled_ = true;  // what the handlers send is seen to at the end
  drain_connections();
  int budget = options_.turn_messages;
  while (budget > 0 && receive_one()) --budget;
  handlers_.turned(budget > 0);
  const bool waits = handlers_.flush();
  // The news that a peer's queue has room may be taken in by any call on the socket, also by the
  // last one here, and then nothing wakes the reactor for it.
  if (waits && retry_ == 0) {
    retry_ = reactor_.call_after(kRetry, [this] {
      retry_ = 0;
      turn();
    });
  }
  turn_scheduled_ = false;
  if (budget == 0 || readable(socket_)) schedule_turn();
}

}  // namespace kiln::net
