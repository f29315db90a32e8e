#include "coordinator/server/relay.h"

#include <utility>

#include "common/wire/codec.h"

namespace kiln::coordinator {
namespace {

metrics::Counter bytes_counter(metrics::Registry& registry, const char* towards) {
  return registry.counter("kiln_relay_bytes_total",
                          "Bytes carried between agents and workers that cannot reach each other.",
                          {{"towards", towards}});
}

}  // namespace

Relay::Relay(net::Router& clients, net::Router& workers, metrics::Registry& registry, Logger log)
    : clients_(clients),
      workers_(workers),
      log_(std::move(log)),
      streams_(registry.gauge("kiln_relay_streams", "Connections carried at present.")),
      to_workers_(bytes_counter(registry, "workers")),
      to_clients_(bytes_counter(registry, "clients")),
      ended_(registry, "kiln_relay_streams_ended_total", "Connections that are carried no more.",
             "reason", {"closed", "gone", "broken"}) {}

// Peers choose their routing ids, on each socket apart.
RelayEnd Relay::end_of(RelaySide side, const net::PeerId& peer, std::uint64_t stream) {
  return {static_cast<char>(side) + peer, stream};
}

Status Relay::send(const RelayEnd& end, wire::Frames frames) {
  const bool to_client = end.peer[0] == static_cast<char>(RelaySide::client);
  return (to_client ? clients_ : workers_).send(end.peer.substr(1), std::move(frames));
}

void Relay::carry(RelaySide side, const net::PeerId& peer, const wire::RelayFrame& frame,
                  wire::Frames frames) {
  const RelayEnd end = end_of(side, peer, frame.stream);
  const bool is_credit = frame.kind == wire::RelayKind::credit;
  if (frames.size() != (is_credit ? 1 : 2))
    return break_off(end, {Errc::corrupt, "a piece of a stream has one frame"});
  const auto far = is_credit ? hub_.grant(end, frame.amount) : hub_.pass(end, frames[1].size());
  if (!far) {
    // One that was closed meanwhile, by whoever knows it.
    if (far.error().code == Errc::not_found) return;
    return break_off(end, far.error());
  }
  if (!is_credit) {
    auto& counter = side == RelaySide::client ? to_workers_ : to_clients_;
    counter.add(static_cast<double>(frames[1].size()));
  }
  frames[0] = wire::encode_relay({frame.kind, far->stream, frame.amount});
  if (const auto sent = send(*far, std::move(frames)); !sent) break_off(end, sent.error());
}

void Relay::worker_joined(const net::PeerId& peer, const wire::RelayHello& hello) {
  hub_.worker_joined(hello.worker, hello.worker_epoch, end_of(RelaySide::worker, peer, 0).peer);
  (void)workers_.send(peer, wire::encode(hello));  // said again if it does not arrive
}

void Relay::open(const net::PeerId& agent, wire::RelayOpen open) {
  const RelayEnd end = end_of(RelaySide::client, agent, open.stream);
  const auto far = hub_.open(end, open.worker, open.worker_epoch, open.credit);
  if (!far) {
    log_.debug("stream_refused", {{"node", open.worker}, {"error", far.error()}});
    return tell_closed(end, far.error());
  }
  log_.debug("stream_opened", {{"node", open.worker}, {"stream", far->stream}});
  open.stream = far->stream;
  open.key = clients_.key_of(agent).value_or(PublicKey());
  if (const auto sent = send(*far, wire::encode(open)); !sent) break_off(end, sent.error());
  publish();
}

void Relay::taken(const net::PeerId& worker, wire::RelayOpen open) {
  const RelayEnd end = end_of(RelaySide::worker, worker, open.stream);
  const auto far = hub_.take(end, open.credit);
  if (!far) {
    if (far.error().code != Errc::not_found) break_off(end, far.error());
    return;
  }
  open.stream = far->stream;
  open.key = {};
  if (const auto sent = send(*far, wire::encode(open)); !sent) break_off(end, sent.error());
}

void Relay::close(RelaySide side, const net::PeerId& peer, wire::RelayClose close) {
  const auto far = hub_.close(end_of(side, peer, close.stream));
  if (!far) return;
  ended_.with("closed").add();
  close.stream = far->stream;
  (void)send(*far, wire::encode(close));  // a connection that is gone ends its streams itself
  publish();
}

void Relay::gone(RelaySide side, const net::PeerId& peer) {
  const std::string who = side == RelaySide::client ? "agent" : "worker";
  for (const auto& far : hub_.gone(end_of(side, peer, 0).peer)) {
    tell_closed(far, {Errc::unavailable, "the " + who + "'s connection is gone"});
    ended_.with("gone").add();
  }
  publish();
}

void Relay::tell_closed(const RelayEnd& end, const Error& why) {
  (void)send(end,
             wire::encode(wire::RelayClose{end.stream, std::string(name(why.code)), why.message}));
}

void Relay::break_off(const RelayEnd& end, const Error& why) {
  log_.debug("stream_broken_off", {{"stream", end.stream}, {"error", why}});
  tell_closed(end, why);
  if (const auto far = hub_.close(end)) {
    ended_.with("broken").add();
    tell_closed(*far, why);
  }
  publish();
}

void Relay::publish() {
  streams_.set(static_cast<double>(hub_.streams()));
}

}  // namespace kiln::coordinator
