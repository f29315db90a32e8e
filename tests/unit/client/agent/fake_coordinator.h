// A coordinator as agents see it: welcomes, and grants or refuses as the test says.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/context.h"
#include "common/net/reactor.h"
#include "common/net/router.h"
#include "common/wire/codec.h"
#include "common/wire/messages.h"

namespace kiln::client {

class FakeCoordinator {
 public:
  FakeCoordinator(net::Reactor& reactor, net::Context& context)
      : reactor_(reactor), context_(context) {
    bind("tcp://127.0.0.1:0");
  }

  std::string endpoint() const { return router_->endpoint().substr(6); }

  // As another process at the same address.
  void restart() {
    const std::string address = router_->endpoint();
    router_.reset();
    bind(address);
  }

  void grant_all() {
    for (const auto& acquire : acquires) {
      if (acquire.count > 0) grant(acquire);
    }
  }

  // Of a request that waits: its pool is warming.
  void keep_all() {
    for (const auto& acquire : acquires) send(wire::Grant{acquire.request, {}});
  }

  bool grants = true;
  bool all_excluded = false;   // refuses who excludes workers, as there are no others
  bool other_version = false;  // speaks protocol 2
  int hellos = 0;
  int pings = 0;
  std::optional<Errc> refusal;
  wire::GrantedLease granted;  // what every lease is made from
  std::vector<wire::Acquire> acquires;
  std::vector<LeaseId> released;
  std::vector<std::uint64_t> cancelled;  // requests

 private:
  void bind(const std::string& address) {
    std::unique_ptr<net::Router> router;
    net::SocketOptions options;
    options.domain = "clients";
    // The address of one that was just closed is free a moment later.
    while (!router) {
      auto bound = net::Router::bind(reactor_, context_, address, options);
      if (bound) router = std::move(*bound);
    }
    router_ = std::move(router);
    router_->on_message([this](const net::PeerId& peer, wire::Frames frames) {
      auto envelope = wire::decode(std::move(frames));
      if (envelope) receive(peer, envelope->message);
    });
  }

  void receive(const net::PeerId& peer, const wire::Message& message) {
    peer_ = peer;
    hellos += std::holds_alternative<wire::ClientHello>(message) ? 1 : 0;
    pings += std::holds_alternative<wire::Ping>(message) ? 1 : 0;
    if (other_version) {
      send(wire::Refused{0, "version_mismatch", "as its own version puts it"});
    } else if (std::holds_alternative<wire::ClientHello>(message)) {
      send(wire::ClientWelcome{1, "test", 200, 3});
    } else if (const auto* ping = std::get_if<wire::Ping>(&message)) {
      send(wire::Pong{ping->number});
    } else if (const auto* acquire = std::get_if<wire::Acquire>(&message)) {
      acquires.push_back(*acquire);
      if (all_excluded && !acquire->excluded.empty()) {
        send(wire::Refused{acquire->request, "unavailable", "all 1 are excluded"});
      } else if (refusal) {
        send(wire::Refused{acquire->request, std::string(name(*refusal)), "as the test says"});
      } else if (grants) {
        grant(*acquire);
      }
    } else if (const auto* release = std::get_if<wire::Release>(&message)) {
      released.insert(released.end(), release->leases.begin(), release->leases.end());
    } else if (const auto* cancel = std::get_if<wire::AcquireCancel>(&message)) {
      cancelled.push_back(cancel->request);
    }
  }

  void grant(const wire::Acquire& acquire) {
    wire::Grant grant;
    grant.request = acquire.request;
    for (std::uint32_t i = 0; i < acquire.count; ++i) {
      auto lease = granted;
      lease.lease.id = {1, ++last_lease_};
      // Another node, for all that the agent knows.
      const auto& excluded = acquire.excluded;
      while (std::find(excluded.begin(), excluded.end(), lease.lease.worker) != excluded.end())
        lease.lease.worker += "'";
      if (lease.lease.tasks == 0) lease.lease.tasks = 32;
      lease.lease.lifetime_ms = 60'000;
      grant.leases.push_back(lease);
    }
    send(grant);
  }

  void send(const wire::Message& message) {
    auto frames = wire::encode(message);
    if (other_version) frames[0][1] = 2;
    static_cast<void>(router_->send(peer_, std::move(frames)));
  }

  net::Reactor& reactor_;
  net::Context& context_;
  std::unique_ptr<net::Router> router_;
  net::PeerId peer_;
  std::uint64_t last_lease_ = 0;
};

}  // namespace kiln::client
