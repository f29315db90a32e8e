#include <algorithm>
#include <utility>

#include "common/net/transfer.h"

namespace kiln::net {
namespace {

constexpr std::size_t kChunksPerStep = 4;

}  // namespace

// Touched by the pool's thread during a step and by the reactor's between steps.
struct Sending::Input {
  std::unique_ptr<BlobReader> reader;
  Status status;
  std::string bytes;
  bool at_end = false;

  void open(BlobSource& source, const Digest& digest) {
    auto opened = source.open(digest);
    if (opened) {
      reader = std::move(*opened);
    } else {
      status = fail(std::move(opened).error());
    }
  }

  void read(std::size_t wanted) {
    bytes.clear();
    while (bytes.size() < wanted) {
      auto part = reader->read(wanted - bytes.size());
      if (!part) {
        status = fail(std::move(part).error());
        return;
      }
      if (part->empty()) {
        at_end = true;
        return;
      }
      bytes = bytes.empty() ? std::move(*part) : bytes + *part;
    }
  }
};

Sending::Sending(TransferHost& host, TransferKey key, const Digest& digest, bool opener,
                 std::uint64_t credit_bytes)
    : Transfer(host, std::move(key), digest, opener), input_(std::make_shared<Input>()) {
  grant(credit_bytes);
}

// However much a receiver grants, no more than our own window is taken: it bounds our memory.
void Sending::grant(std::uint64_t bytes) {
  const std::uint64_t window = host_.options().window_bytes;
  credit_ = std::min(window, credit_ + std::min(bytes, window));
}

void Sending::start() {
  host_.step(
      shared_from_this(),
      [input = input_, &source = host_.source(), digest = digest()] {
        input->open(source, digest);
      },
      [this] { opened(); });
}

void Sending::opened() {
  if (!input_->status) return host_.end(key(), std::move(input_->status), !opener());
  open_ = true;
  const std::uint64_t size = input_->reader->size();
  const wire::Encoding encoding = input_->reader->encoding();
  if (opener()) {
    send(wire::PutOpen{key().second, digest(), size, encoding});
  } else {
    send(wire::GetStart{key().second, size, encoding});
  }
  pump();
}

void Sending::pump() {
  if (ended || !open_ || busy_ || sent_all_ || credit_ == 0) return;
  busy_ = true;
  const auto wanted = static_cast<std::size_t>(
      std::min<std::uint64_t>(credit_, kChunksPerStep * host_.options().chunk_bytes));
  host_.step(
      shared_from_this(), [input = input_, wanted] { input->read(wanted); },
      [this] { send_read(); });
}

void Sending::send_read() {
  busy_ = false;
  if (!input_->status) return host_.end(key(), std::move(input_->status), true);
  std::string_view rest = input_->bytes;
  sent_all_ = input_->at_end;
  credit_ -= rest.size();
  do {
    const std::string_view part = rest.substr(0, host_.options().chunk_bytes);
    rest.remove_prefix(part.size());
    send(wire::Chunk{key().second, offset_, sent_all_ && rest.empty()}, {std::string(part)});
    if (ended) return;
    offset_ += part.size();
  } while (!rest.empty());
  if (sent_all_ && !opener()) return host_.end(key(), {}, false);
  pump();
}

void Sending::on_credit(const wire::Credit& credit) {
  grant(credit.bytes);
  pump();
}

void Sending::on_start(const wire::GetStart&) {
  refuse("the peer announced a blob that it should receive");
}

void Sending::on_chunk(const wire::Chunk&, wire::Frames) {
  refuse("the peer sent bytes that it should receive");
}

std::shared_ptr<void> Sending::give_up() {
  return std::move(input_);
}

// Success before the last byte: the receiver has the blob already.
void Sending::on_done(Status status) {
  host_.end(key(), std::move(status), false);
}

}  // namespace kiln::net
