// Drives the transfers of one bulk socket: who has a turn, who waits, who stalls. Inside common/net
// only; BulkServer and BulkClient give it a socket.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "common/net/transfer.h"

namespace kiln::net {

class BulkEngine : public TransferHost {
 public:
  using Done = std::function<void(Status)>;
  using Send = std::function<Status(const PeerId&, wire::Frames)>;

  BulkEngine(const BulkParts& parts, const BulkOptions& options, Send send);
  ~BulkEngine() override;

  void put(const TransferKey& key, const Digest& digest, Done done);
  void get(const TransferKey& key, const Digest& digest, Done done);

  // False: not a message of the bulk socket.
  bool receive(const PeerId& peer, wire::Envelope envelope);

  // Whether transfers may start; those that wait longer than a stall for that fail.
  void set_reachable(bool reachable);
  // Ends all transfers with the peer, of which it is not told.
  void drop(const PeerId& peer, const Error& error);
  // Ends one, if it is there, likewise.
  void drop(const TransferKey& key, const Error& error);
  // Ends all, and tells the peers.
  void cancel(const Error& error);

 private:
  struct Peer {
    std::size_t active = 0;
    std::deque<std::uint64_t> waiting;
  };
  using Owned = std::shared_ptr<Transfer>;

  Status send(const TransferKey& key, const wire::Message& message, wire::Frames raw) override;
  void step(Owned transfer, std::function<void()> work, std::function<void()> done) override;
  void end(const TransferKey& key, Status status, bool tell_peer) override;
  const BulkOptions& options() const override { return options_; }
  BlobSource& source() override { return parts_.source; }
  BlobSink& sink() override { return parts_.sink; }

  bool open(const PeerId& peer, const wire::Message& message);
  void add(Owned transfer);
  Owned find(const TransferKey& key) const;
  void start_waiting();
  bool start_one(const PeerId& id, Peer& peer);
  void destroy_on_pool(Transfer& transfer);
  void watch(const Owned& transfer);
  void check(const TransferKey& key);
  void check_waiting();
  std::vector<TransferKey> keys(const PeerId* peer) const;

  BulkParts parts_;
  BulkOptions options_;
  Send send_;
  std::map<TransferKey, Owned> transfers_;
  std::map<PeerId, Peer> peers_;  // those with transfers
  std::size_t active_ = 0;
  PeerId last_served_;
  bool reachable_ = true;
  TimerId waiting_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kiln::net
