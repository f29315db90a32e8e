// A worker as agents see it: greets, remembers what it gets, and says what the test says.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/thread_pool.h"
#include "common/net/bulk.h"
#include "common/net/context.h"
#include "common/net/reactor.h"
#include "common/net/router.h"
#include "common/transfer/inline_blob.h"
#include "common/transfer/store_blobs.h"
#include "common/wire/codec.h"
#include "common/wire/messages.h"

namespace kiln::client {

class FakeWorker {
 public:
  FakeWorker(net::Reactor& reactor, net::Context& context, const std::filesystem::path& directory)
      : reactor_(reactor),
        context_(context),
        store_(std::move(*store::BlobStore::open(
            {.directory = directory, .limit_bytes = 0, .file_system = nullptr}))),
        source_(*store_),
        sink_(*store_),
        pool_(std::make_unique<ThreadPool>(1)) {
    bind("tcp://127.0.0.1:0");
    const net::BulkParts parts{reactor, context, *pool_, source_, sink_};
    auto bulk = std::move(*net::BulkServer::bind(parts, "tcp://127.0.0.1:0"));
    bulk_address_ = bulk->endpoint();
    bulk_ = std::make_unique<net::BulkServer>(parts, std::move(bulk));
  }
  ~FakeWorker() {
    bulk_.reset();
    pool_.reset();
  }

  wire::GrantedLease lease() const {
    wire::GrantedLease granted;
    granted.lease.worker = "fake";
    granted.lease.worker_epoch = epoch;
    granted.task_address = router_->endpoint();
    granted.bulk_address = bulk_address_;
    return granted;
  }

  // Ends all connections; the address is served again at once.
  void hang_up() {
    const std::string address = router_->endpoint();
    router_.reset();
    bind(address);
  }
  void vanish() { router_.reset(); }

  void send(const wire::Message& message, wire::Frames raw = {}) {
    send_frames(wire::encode(message, std::move(raw)), peer_);
  }
  // To whoever sent that RUN, as one agent may have several connections here.
  void answer(const wire::Run& run, wire::Frames frames) {
    send_frames(std::move(frames), runners_.at(run.attempt));
  }
  // A command's end: exit code, message, and one output that comes along.
  void send_result(const wire::Run& run, int exit_code, const std::string& err = "",
                   const std::string& object = "object") {
    wire::RunResult result;
    result.attempt = run.attempt;
    result.result.outcome = Outcome::exited;
    result.result.exit_code = exit_code;
    result.stderr_size = err.size();
    wire::Frames raw = {"", err};
    if (exit_code == 0) {
      result.result.outputs.push_back(
          {run.task.outputs.front(), 0644, object.size(), digest_of(object)});
      transfer::EncodedFrame frame{wire::Encoding::raw, object};
      result.blobs.push_back(transfer::describe_blob(digest_of(object), object.size(), frame));
      raw.push_back(object);
    }
    answer(run, wire::encode(result, std::move(raw)));
  }

  template <typename Kind>
  std::size_t count() const {
    std::size_t number = 0;
    for (const auto& message : received) number += std::holds_alternative<Kind>(message) ? 1 : 0;
    return number;
  }
  template <typename Kind>
  const Kind& last() const {
    const Kind* found = nullptr;
    for (const auto& message : received) {
      if (const auto* kind = std::get_if<Kind>(&message)) found = kind;
    }
    return *found;
  }

  std::uint64_t epoch = 5;
  bool greets = true;
  std::vector<wire::Message> received;  // but greetings and pings

  store::BlobStore& store() { return *store_; }

 private:
  void send_frames(wire::Frames frames, const net::PeerId& peer) {
    static_cast<void>(router_->send(peer, std::move(frames)));
  }
  void bind(const std::string& address) {
    while (!router_) {
      auto bound = net::Router::bind(reactor_, context_, address);
      if (bound) router_ = std::move(*bound);
    }
    router_->on_message([this](const net::PeerId& peer, wire::Frames frames) {
      auto envelope = wire::decode(std::move(frames));
      if (envelope) receive(peer, std::move(envelope->message));
    });
  }

  void receive(const net::PeerId& peer, wire::Message message) {
    peer_ = peer;
    if (std::holds_alternative<wire::PeerHello>(message)) {
      if (greets) send(wire::PeerWelcome{"fake", epoch, "test"});
    } else if (const auto* ping = std::get_if<wire::Ping>(&message)) {
      send(wire::Pong{ping->number});
    } else {
      if (const auto* run = std::get_if<wire::Run>(&message)) runners_[run->attempt] = peer;
      if (const auto* again = std::get_if<wire::Reclaim>(&message)) runners_[again->attempt] = peer;
      received.push_back(std::move(message));
    }
  }

  net::Reactor& reactor_;
  net::Context& context_;
  std::unique_ptr<store::BlobStore> store_;
  transfer::StoreSource source_;
  transfer::StoreSink sink_;
  std::unique_ptr<ThreadPool> pool_;
  std::string bulk_address_;
  std::unique_ptr<net::BulkServer> bulk_;
  std::unique_ptr<net::Router> router_;
  net::PeerId peer_;
  std::map<AttemptId, net::PeerId> runners_;
};

}  // namespace kiln::client
