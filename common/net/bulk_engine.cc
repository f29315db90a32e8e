#include "common/net/bulk_engine.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kiln::net {

BulkEngine::BulkEngine(const BulkParts& parts, const BulkOptions& options, Send send)
    : parts_(parts), options_(options), send_(std::move(send)) {}

BulkEngine::~BulkEngine() {
  parts_.reactor.cancel(waiting_timer_);
  for (auto& entry : transfers_) {
    parts_.reactor.cancel(entry.second->timer);
    entry.second->ended = true;
    destroy_on_pool(*entry.second);
  }
}

// The pool's thread destroys what it has run.
void BulkEngine::destroy_on_pool(Transfer& transfer) {
  parts_.pool.post([held = transfer.give_up()] {});
}

Status BulkEngine::send(const TransferKey& key, const wire::Message& message, wire::Frames raw) {
  return send_(key.first, wire::encode(message, std::move(raw)));
}

void BulkEngine::step(Owned transfer, std::function<void()> work, std::function<void()> done) {
  parts_.reactor.offload(parts_.pool, std::move(work),
                         [transfer = std::move(transfer), done = std::move(done)] {
                           if (transfer->ended) return;
                           transfer->progress = Clock::now();
                           done();
                         });
}

BulkEngine::Owned BulkEngine::find(const TransferKey& key) const {
  const auto found = transfers_.find(key);
  return found == transfers_.end() ? nullptr : found->second;
}

void BulkEngine::put(const TransferKey& key, const Digest& digest, Done done) {
  auto transfer = std::make_shared<Sending>(*this, key, digest, true, 0);
  transfer->done = std::move(done);
  add(std::move(transfer));
}

void BulkEngine::get(const TransferKey& key, const Digest& digest, Done done) {
  auto transfer = std::make_shared<Receiving>(*this, key, digest);
  transfer->done = std::move(done);
  add(std::move(transfer));
}

void BulkEngine::add(Owned transfer) {
  const TransferKey key = transfer->key();
  transfer->progress = parts_.reactor.now();
  transfers_.emplace(key, transfer);
  Peer& peer = peers_[key.first];
  const bool full = peer.waiting.size() >= options_.queued;
  peer.waiting.push_back(key.second);
  if (full) {
    return end(key, fail(Errc::resource_exhausted, "too many transfers wait for their turn"),
               !transfer->opener());
  }
  start_waiting();
}

// Peers in turn, one transfer each, so that none takes all the places.
void BulkEngine::start_waiting() {
  bool progress = reachable_;
  while (progress && active_ < options_.active) {
    progress = false;
    auto next = peers_.upper_bound(last_served_);
    for (std::size_t i = 0, count = peers_.size(); i < count; ++i, ++next) {
      if (next == peers_.end()) next = peers_.begin();
      if (!start_one(next->first, next->second)) continue;
      progress = true;
      break;
    }
  }
  if (waiting_timer_ == 0 && active_ < transfers_.size()) {
    waiting_timer_ = parts_.reactor.call_after(options_.stall / 3, [this] { check_waiting(); });
  }
}

bool BulkEngine::start_one(const PeerId& id, Peer& peer) {
  if (peer.active >= options_.active_per_peer || peer.waiting.empty()) return false;
  const Owned transfer = find({id, peer.waiting.front()});
  last_served_ = id;
  peer.waiting.pop_front();
  if (!transfer) return true;
  ++peer.active;
  ++active_;
  transfer->active = true;
  transfer->progress = parts_.reactor.now();
  watch(transfer);
  // Deferred: a start that fails ends the transfer, which changes what the caller walks over.
  parts_.reactor.defer([transfer] {
    if (transfer->ended) return;
    transfer->started = true;
    transfer->start();
  });
  return true;
}

void BulkEngine::watch(const Owned& transfer) {
  transfer->timer = parts_.reactor.call_at(transfer->progress + options_.stall,
                                           [this, key = transfer->key()] { check(key); });
}

void BulkEngine::check(const TransferKey& key) {
  const Owned transfer = find(key);
  if (!transfer) return;
  if (parts_.reactor.now() < transfer->progress + options_.stall) return watch(transfer);
  end(key,
      fail(Errc::timed_out, "transfer of " + transfer->digest().short_hex() + ": no progress for " +
                                std::to_string(in_seconds(options_.stall)) + " s"),
      true);
}

// Those that wait here for their turn: openers are told that they are not forgotten, and transfers
// without a connection give up.
void BulkEngine::check_waiting() {
  waiting_timer_ = 0;
  const TimePoint now = parts_.reactor.now();
  for (const auto& key : keys(nullptr)) {
    const Owned transfer = find(key);
    if (!transfer || transfer->active) continue;
    if (!transfer->opener()) {
      (void)send(key, wire::Credit{key.second, 0}, {});
    } else if (!reachable_ && now >= transfer->progress + options_.stall) {
      end(key,
          fail(Errc::unavailable,
               "transfer of " + transfer->digest().short_hex() + ": the peer cannot be reached"),
          false);
    }
  }
  start_waiting();
}

void BulkEngine::end(const TransferKey& key, Status status, bool tell_peer) {
  const auto found = transfers_.find(key);
  if (found == transfers_.end()) return;
  const Owned transfer = found->second;
  const TransferKey copy = transfer->key();
  transfers_.erase(found);
  transfer->ended = true;
  parts_.reactor.cancel(transfer->timer);
  destroy_on_pool(*transfer);
  const auto peer = peers_.find(copy.first);
  if (transfer->active) {
    --peer->second.active;
    --active_;
  } else {
    auto& waiting = peer->second.waiting;
    waiting.erase(std::find(waiting.begin(), waiting.end(), copy.second));
  }
  if (peer->second.active == 0 && peer->second.waiting.empty()) peers_.erase(peer);
  if (tell_peer) {
    const Error error = status ? Error{} : status.error();
    (void)send(
        copy,
        wire::TransferDone{copy.second, status ? "" : std::string(name(error.code)), error.message},
        {});
  }
  // Deferred, so that whoever is told may start and cancel transfers at will.
  parts_.reactor.defer(
      [this, alive = std::weak_ptr<bool>(alive_), transfer, status = std::move(status)]() mutable {
        if (alive.expired()) return;
        if (transfer->done) transfer->done(std::move(status));
        if (!alive.expired()) start_waiting();
      });
}

std::vector<TransferKey> BulkEngine::keys(const PeerId* peer) const {
  std::vector<TransferKey> found;
  auto next = peer == nullptr ? transfers_.begin() : transfers_.lower_bound({*peer, 0});
  for (; next != transfers_.end() && (peer == nullptr || next->first.first == *peer); ++next) {
    found.push_back(next->first);
  }
  return found;
}

void BulkEngine::drop(const PeerId& peer, const Error& error) {
  for (const auto& key : keys(&peer)) end(key, fail(error), false);
}

void BulkEngine::drop(const TransferKey& key, const Error& error) {
  end(key, fail(error), false);
}

void BulkEngine::cancel(const Error& error) {
  for (const auto& key : keys(nullptr)) {
    const Owned transfer = find(key);
    end(key, fail(error), transfer->active);
  }
}

void BulkEngine::set_reachable(bool reachable) {
  reachable_ = reachable;
  start_waiting();
}

// A transfer that the peer opens.
bool BulkEngine::open(const PeerId& peer, const wire::Message& message) {
  const auto* put = std::get_if<wire::PutOpen>(&message);
  const auto* get = std::get_if<wire::GetOpen>(&message);
  if (put == nullptr && get == nullptr) return false;
  const TransferKey key{peer, put != nullptr ? put->transfer : get->transfer};
  if (find(key)) {
    const wire::Refused refused{key.second, std::string(name(Errc::already_exists)),
                                "a transfer of this number is under way"};
    (void)send(key, refused, {});
  } else if (put != nullptr) {
    add(std::make_shared<Receiving>(*this, key, *put));
  } else {
    add(std::make_shared<Sending>(*this, key, get->digest, false, get->credit_bytes));
  }
  return true;
}

bool BulkEngine::receive(const PeerId& peer, wire::Envelope envelope) {
  const wire::Message& message = envelope.message;
  if (open(peer, message)) return true;
  // Messages to a transfer that is over are late, not wrong.
  const auto with = [&](std::uint64_t number, auto&& act) {
    const Owned transfer = find({peer, number});
    if (!transfer) return true;
    // The peer cannot know of a transfer that was not yet opened here: it made the number up.
    if (transfer->opener() && !transfer->started) return true;
    act(*transfer);
    return true;
  };
  if (const auto* start = std::get_if<wire::GetStart>(&message)) {
    return with(start->transfer, [&](Transfer& to) {
      to.progress = parts_.reactor.now();
      to.on_start(*start);
    });
  }
  if (const auto* credit = std::get_if<wire::Credit>(&message)) {
    return with(credit->transfer, [&](Transfer& to) {
      const bool waits = credit->bytes == 0;
      if (!waits || to.waits++ < options_.waits) to.progress = parts_.reactor.now();
      to.on_credit(*credit);
    });
  }
  if (const auto* chunk = std::get_if<wire::Chunk>(&message)) {
    return with(chunk->transfer, [&](Transfer& to) {
      to.progress = parts_.reactor.now();
      to.on_chunk(*chunk, std::move(envelope.raw));
    });
  }
  if (const auto* done = std::get_if<wire::TransferDone>(&message)) {
    return with(done->transfer, [&](Transfer& to) {
      to.on_done(done->code.empty()
                     ? Status()
                     : Status(fail(errc_of(done->code), "the peer: " + done->reason)));
    });
  }
  return false;
}

}  // namespace kiln::net
