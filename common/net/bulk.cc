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
  return socket;
}

wire::Frames refused(const Error& error) {
  return wire::encode(wire::Refused{0, std::string(name(error.code)), error.message});
}

}  // namespace

BulkServer::BulkServer(const BulkParts& parts, std::unique_ptr<Router> router,
                       const BulkOptions& options)
    : router_(std::move(router)),
      engine_(std::make_unique<BulkEngine>(parts, options,
                                           [this](const PeerId& peer, wire::Frames frames) {
                                             return router_->send(peer, std::move(frames));
                                           })) {
  router_->on_message(
      [this](const PeerId& peer, wire::Frames frames) { receive(peer, std::move(frames)); });
  router_->on_disconnect([this](const PeerId& peer) {
    engine_->drop(peer, {Errc::unavailable, "the peer's connection is gone"});
  });
}

BulkServer::~BulkServer() = default;

Result<std::unique_ptr<BulkServer>> BulkServer::bind(const BulkParts& parts,
                                                     const std::string& endpoint,
                                                     const BulkOptions& options) {
  KILN_TRY_ASSIGN(auto router,
                  Router::bind(parts.reactor, parts.context, endpoint, socket_options(options)));
  return std::unique_ptr<BulkServer>(new BulkServer(parts, std::move(router), options));
}

const std::string& BulkServer::endpoint() const {
  return router_->endpoint();
}

// A refusal that cannot be sent finds a peer that is gone or does not read: nobody to tell.
void BulkServer::receive(const PeerId& peer, wire::Frames frames) {
  auto envelope = wire::decode(std::move(frames));
  if (!envelope) {
    (void)router_->send(peer, refused(envelope.error()));
    return;
  }
  if (const auto* ping = std::get_if<wire::Ping>(&envelope->message)) {
    (void)router_->send(peer, wire::encode(wire::Pong{ping->number}));
    return;
  }
  const std::string kind(wire::kind_name(envelope->message));
  if (engine_->receive(peer, std::move(*envelope))) return;
  (void)router_->send(peer, refused({Errc::invalid_argument, kind + " is not for bulk sockets"}));
}

BulkClient::BulkClient(const BulkParts& parts, std::unique_ptr<Dealer> dealer,
                       const BulkOptions& options)
    : dealer_(std::move(dealer)),
      engine_(
          std::make_unique<BulkEngine>(parts, options, [this](const PeerId&, wire::Frames frames) {
            bytes_sent_ += SendQueue::size_of(frames);
            return dealer_->send(std::move(frames));
          })) {
  engine_->set_reachable(false);
  dealer_->on_message([this](wire::Frames frames) { receive(std::move(frames)); });
  dealer_->on_state([this](bool connected) {
    engine_->set_reachable(connected);
    if (!connected) engine_->drop(PeerId(), {Errc::unavailable, "the connection broke"});
  });
}

BulkClient::~BulkClient() = default;

Result<std::unique_ptr<BulkClient>> BulkClient::connect(const BulkParts& parts,
                                                        const std::string& endpoint,
                                                        const BulkOptions& options) {
  KILN_TRY_ASSIGN(auto dealer,
                  Dealer::connect(parts.reactor, parts.context, endpoint, socket_options(options)));
  return std::unique_ptr<BulkClient>(new BulkClient(parts, std::move(dealer), options));
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
  return dealer_->connected();
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
