#include "common/net/bulk.h"

#include <utility>
#include <variant>

#include "common/net/bulk_engine.h"
#include "common/net/dealer.h"
#include "common/net/send_queue.h"

namespace kiln::net {
namespace {

// Few messages in ZeroMQ's own queues: they are large, and what is there cannot be counted. The
// queue beyond them holds the windows of all transfers that may be at work with a peer.
SocketOptions socket_options(const BulkOptions& options) {
  SocketOptions socket;
  socket.high_water_messages = 16;
  socket.queue_bytes = 2 * options.active_per_peer * options.window_bytes;
  socket.max_frame_bytes = socket.max_sent_bytes = std::size_t{1} << 20;
  socket.turn_messages = 32;
  socket.domain = options.domain;
  return socket;
}

wire::Frames refused(const Error& error) {
  return wire::encode(wire::Refused{0, std::string(name(error.code)), error.message});
}

}  // namespace

BulkServer::BulkServer(const BulkParts& parts, std::unique_ptr<Listener> listener,
                       const BulkOptions& options)
    : listener_(std::move(listener)),
      engine_(std::make_unique<BulkEngine>(parts, options,
                                           [this](const PeerId& peer, wire::Frames frames) {
                                             return listener_->send(peer, std::move(frames));
                                           })) {
  listener_->on_message(
      [this](const PeerId& peer, wire::Frames frames) { receive(peer, std::move(frames)); });
  listener_->on_disconnect([this](const PeerId& peer) {
    engine_->drop(peer, {Errc::unavailable, "the peer's connection is gone"});
  });
}

BulkServer::~BulkServer() = default;

Result<std::unique_ptr<Router>> BulkServer::bind(const BulkParts& parts,
                                                 const std::string& endpoint,
                                                 const BulkOptions& options) {
  return Router::bind(parts.reactor, parts.context, endpoint, socket_options(options));
}

// A refusal that cannot be sent finds a peer that is gone or does not read: nobody to tell.
void BulkServer::receive(const PeerId& peer, wire::Frames frames) {
  auto envelope = wire::decode(std::move(frames));
  if (!envelope) {
    (void)listener_->send(peer, refused(envelope.error()));
    return;
  }
  if (const auto* ping = std::get_if<wire::Ping>(&envelope->message)) {
    (void)listener_->send(peer, wire::encode(wire::Pong{ping->number}));
    return;
  }
  const std::string kind(wire::kind_name(envelope->message));
  if (engine_->receive(peer, std::move(*envelope))) return;
  (void)listener_->send(peer, refused({Errc::invalid_argument, kind + " is not for bulk sockets"}));
}

BulkClient::BulkClient(const BulkParts& parts, std::unique_ptr<Connection> connection,
                       const BulkOptions& options)
    : connection_(std::move(connection)),
      engine_(
          std::make_unique<BulkEngine>(parts, options, [this](const PeerId&, wire::Frames frames) {
            bytes_sent_ += SendQueue::size_of(frames);
            return connection_->send(std::move(frames));
          })) {
  engine_->set_reachable(false);
  connection_->on_message([this](wire::Frames frames) { receive(std::move(frames)); });
  connection_->on_state([this](bool connected) {
    engine_->set_reachable(connected);
    if (!connected) engine_->drop(PeerId(), {Errc::unavailable, "the connection broke"});
  });
}

BulkClient::~BulkClient() = default;

Result<std::unique_ptr<BulkClient>> BulkClient::connect(const BulkParts& parts,
                                                        const std::string& endpoint,
                                                        const BulkOptions& options) {
  KILN_TRY_ASSIGN(auto connection, direct(parts, endpoint, options));
  return std::make_unique<BulkClient>(parts, std::move(connection), options);
}

Result<std::unique_ptr<Connection>> BulkClient::direct(const BulkParts& parts,
                                                       const std::string& endpoint,
                                                       const BulkOptions& options) {
  return Dealer::connect(parts.reactor, parts.context, endpoint, socket_options(options));
}

void BulkClient::put(const Digest& digest, Done done) {
  engine_->put({PeerId(), ++last_transfer_}, digest, std::move(done));
}

void BulkClient::get(const Digest& digest, Done done) {
  engine_->get({PeerId(), ++last_transfer_}, digest, std::move(done));
}

void BulkClient::cancel_all() {
  engine_->cancel({Errc::cancelled, "the transfer was cancelled"});
}

bool BulkClient::connected() const {
  return connection_->connected();
}

void BulkClient::receive(wire::Frames frames) {
  bytes_received_ += SendQueue::size_of(frames);
  auto envelope = wire::decode(std::move(frames));
  if (!envelope) return engine_->cancel(envelope.error());
  if (const auto* refusal = std::get_if<wire::Refused>(&envelope->message)) {
    const Error error{errc_of(refusal->code), "the peer refused: " + refusal->reason};
    if (refusal->request == 0) return engine_->drop(PeerId(), error);
    return engine_->drop(TransferKey(PeerId(), refusal->request), error);
  }
  // A client serves nothing: what asks it to is ignored.
  const bool opens = std::holds_alternative<wire::PutOpen>(envelope->message) ||
                     std::holds_alternative<wire::GetOpen>(envelope->message);
  if (!opens) engine_->receive(PeerId(), std::move(*envelope));
}

}  // namespace kiln::net
