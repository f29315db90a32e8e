// One transfer of one blob, from either end's view. Inside common/net only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/net/blob_io.h"
#include "common/net/bulk.h"
#include "common/wire/codec.h"

namespace kiln::net {

// Transfer numbers are chosen by the opener, so they are unique with their peer only.
using TransferKey = std::pair<PeerId, std::uint64_t>;

class Transfer;

// What a transfer needs of the engine that drives it.
class TransferHost {
 public:
  virtual ~TransferHost() = default;
  virtual Status send(const TransferKey& key, const wire::Message& message, wire::Frames raw) = 0;
  // Runs `work` on the pool, then `done` on the reactor unless the transfer has ended.
  virtual void step(std::shared_ptr<Transfer> transfer, std::function<void()> work,
                    std::function<void()> done) = 0;
  // Ends the transfer. A failure is told to the peer when it may know of the transfer.
  virtual void end(const TransferKey& key, Status status, bool tell_peer) = 0;
  virtual const BulkOptions& options() const = 0;
  virtual BlobSource& source() = 0;
  virtual BlobSink& sink() = 0;
};

// Sending or Receiving. Lives on the reactor's thread; has at most one step on the pool at a time.
class Transfer : public std::enable_shared_from_this<Transfer> {
 public:
  Transfer(TransferHost& host, TransferKey key, const Digest& digest, bool opener)
      : host_(host), key_(std::move(key)), digest_(digest), opener_(opener) {}
  virtual ~Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Its turn has come.
  virtual void start() = 0;
  virtual void on_start(const wire::GetStart& start) = 0;
  virtual void on_credit(const wire::Credit& credit) = 0;
  virtual void on_chunk(const wire::Chunk& chunk, wire::Frames raw) = 0;
  // The peer says that it is over.
  virtual void on_done(Status status) = 0;
  // Gives up its reader or writer, whose end may take long (a large file to remove), so that it can
  // meet that end on the pool. Afterwards nothing but destruction makes sense.
  virtual std::shared_ptr<void> give_up() = 0;

  const TransferKey& key() const { return key_; }
  const Digest& digest() const { return digest_; }
  // Whether this side asked for the transfer.
  bool opener() const { return opener_; }

  // Kept by the engine.
  bool active = false;
  bool started = false;
  bool ended = false;
  std::size_t waits = 0;  // times that the peer said that it waits for its turn there
  TimePoint progress;
  TimerId timer = 0;
  std::function<void(Status)> done;

 protected:
  void send(const wire::Message& message, wire::Frames raw = {}) {
    auto status = host_.send(key_, message, std::move(raw));
    if (!status) host_.end(key_, std::move(status), true);
  }
  // The peer broke the rules.
  void refuse(const std::string& why) {
    host_.end(key_, fail(Errc::corrupt, "transfer of " + digest_.short_hex() + ": " + why), true);
  }

  TransferHost& host_;

 private:
  TransferKey key_;
  Digest digest_;
  bool opener_;
};

// The side that has the blob: the opener of a put, the server of a get.
class Sending : public Transfer {
 public:
  // `credit_bytes`: granted so far.
  Sending(TransferHost& host, TransferKey key, const Digest& digest, bool opener,
          std::uint64_t credit_bytes);

  void start() override;
  void on_start(const wire::GetStart& start) override;
  void on_credit(const wire::Credit& credit) override;
  void on_chunk(const wire::Chunk& chunk, wire::Frames raw) override;
  void on_done(Status status) override;
  std::shared_ptr<void> give_up() override;

 private:
  struct Input;
  void opened();
  void pump();
  void send_read();
  void grant(std::uint64_t bytes);

  std::shared_ptr<Input> input_;
  std::uint64_t credit_ = 0;  // bytes
  std::uint64_t offset_ = 0;  // of the next chunk
  bool open_ = false;
  bool busy_ = false;
  bool sent_all_ = false;
};

// The side that wants it: the server of a put, the opener of a get.
class Receiving : public Transfer {
 public:
  // A get: size and encoding come with GetStart.
  Receiving(TransferHost& host, TransferKey key, const Digest& digest);
  // A put.
  Receiving(TransferHost& host, TransferKey key, const wire::PutOpen& open);

  void start() override;
  void on_start(const wire::GetStart& start) override;
  void on_credit(const wire::Credit& credit) override;
  void on_chunk(const wire::Chunk& chunk, wire::Frames raw) override;
  void on_done(Status status) override;
  std::shared_ptr<void> give_up() override;

 private:
  struct Output;
  void begin();
  void begun();
  void pump();
  void written(std::size_t bytes, bool last);
  std::string fault_of(const wire::Chunk& chunk, const wire::Frames& raw) const;

  std::shared_ptr<Output> output_;
  std::uint64_t size_ = 0;  // decoded bytes
  wire::Encoding encoding_ = wire::Encoding::raw;
  std::uint64_t granted_ = 0;        // bytes that may still come
  std::uint64_t received_ = 0;       // encoded bytes
  std::deque<std::string> pending_;  // chunks received and not yet given to the pool
  bool announced_ = false;           // size_ and encoding_ hold
  bool writing_ = false;             // there is a writer
  bool busy_ = false;
  bool last_seen_ = false;
};

}  // namespace kiln::net
