// Bulk transfers: blobs in chunks under byte credits that the receiver grants, so that a slow
// receiver costs the sender no memory. docs/protocol.md has the exchange.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/base/thread_pool.h"
#include "common/base/time.h"
#include "common/model/key.h"
#include "common/net/blob_io.h"
#include "common/net/connection.h"
#include "common/net/context.h"
#include "common/net/reactor.h"
#include "common/net/router.h"

namespace kiln::net {

inline constexpr std::size_t kMaxChunkBytes = std::size_t{256} << 10;

struct BulkOptions {
  std::string domain = {};                          // as SocketOptions has it
  std::size_t chunk_bytes = kMaxChunkBytes;         // encoded bytes of a chunk, at most
  std::size_t window_bytes = std::size_t{2} << 20;  // granted and not yet written, per transfer
  std::size_t active = 64;                          // transfers at work at once
  std::size_t active_per_peer = 16;                 // of these, with one peer
  std::size_t queued = 65536;                       // transfers that wait for their turn, per peer
  Duration stall = seconds(15);                     // without progress: Errc::timed_out
  std::size_t waits = 120;  // "wait for your turn" counts as progress so many times a transfer
};

// What both ends stand on. All of it must outlive the end; `source` and `sink` also the work that
// `pool` still holds, so destroy the pool before them.
struct BulkParts {
  Reactor& reactor;
  Context& context;
  ThreadPool& pool;
  BlobSource& source;
  BlobSink& sink;
};

class BulkEngine;

// Serves puts into its sink and gets from its source to any number of peers.
class BulkServer {
 public:
  // A listener for it, with what its socket should hold.
  static Result<std::unique_ptr<Router>> bind(const BulkParts& parts, const std::string& endpoint,
                                              const BulkOptions& options = {});
  BulkServer(const BulkParts& parts, std::unique_ptr<Listener> listener,
             const BulkOptions& options = {});
  ~BulkServer();

  // As Listener has it.
  void review(const wire::Frames& farewell) { listener_->review(farewell); }

 private:
  void receive(const PeerId& peer, wire::Frames frames);

  std::unique_ptr<Listener> listener_;
  std::unique_ptr<BulkEngine> engine_;
};

// One connection to a BulkServer.
class BulkClient {
 public:
  using Done = std::function<void(Status)>;

  static Result<std::unique_ptr<BulkClient>> connect(const BulkParts& parts,
                                                     const std::string& endpoint,
                                                     const BulkOptions& options = {});
  BulkClient(const BulkParts& parts, std::unique_ptr<Connection> connection,
             const BulkOptions& options = {});
  // A connection for it that is direct, with what its socket should hold.
  static Result<std::unique_ptr<Connection>> direct(const BulkParts& parts,
                                                    const std::string& endpoint,
                                                    const BulkOptions& options = {});
  // Drops the transfers under way without calling their `done`.
  ~BulkClient();

  // Copies a blob from the source to the server; ends well also when the server has it already.
  // Each `done` is called once, never from within put or get. Errors: Errc::unavailable when the
  // connection breaks or does not come about, timed_out, not_found, corrupt, resource_exhausted,
  // and what source, sink and server say.
  void put(const Digest& digest, Done done);
  // Copies a blob from the server to the sink.
  void get(const Digest& digest, Done done);
  // Ends all transfers under way with Errc::cancelled.
  void cancel_all();

  bool connected() const;

  // Of all messages, blobs included, framing not.
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  std::uint64_t bytes_received() const { return bytes_received_; }

 private:
  void receive(wire::Frames frames);

  std::unique_ptr<Connection> connection_;
  std::unique_ptr<BulkEngine> engine_;
  std::uint64_t last_transfer_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
};

}  // namespace kiln::net
