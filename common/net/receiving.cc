#include "common/net/transfer.h"

namespace kiln::net {
namespace {

// More encoded bytes than this cannot be an honest encoding of `size` decoded ones.
std::uint64_t max_encoded(std::uint64_t size, wire::Encoding encoding) {
  return encoding == wire::Encoding::raw ? size : size + size / 64 + (std::uint64_t{1} << 20);
}

}  // namespace

// Touched by the pool's thread during a step and by the reactor's between steps.
struct Receiving::Output {
  std::unique_ptr<BlobWriter> writer;
  Status status;

  void begin(BlobSink& sink, const Digest& digest, std::uint64_t size, wire::Encoding encoding) {
    auto begun = sink.begin(digest, size, encoding);
    if (begun) {
      writer = std::move(*begun);
    } else {
      status = fail(std::move(begun).error());
    }
  }

  void write(const wire::Frames& parts, bool last) {
    for (const auto& part : parts) {
      if (!part.empty()) status = writer->write(part);
      if (!status) return;
    }
    if (last) status = writer->finish();
  }
};

Receiving::Receiving(TransferHost& host, TransferKey key, const Digest& digest)
    : Transfer(host, std::move(key), digest, true), output_(std::make_shared<Output>()) {}

Receiving::Receiving(TransferHost& host, TransferKey key, const wire::PutOpen& open)
    : Transfer(host, std::move(key), open.digest, false),
      output_(std::make_shared<Output>()),
      size_(open.size),
      encoding_(open.encoding),
      announced_(true) {}

void Receiving::start() {
  if (announced_) return begin();
  granted_ = host_.options().window_bytes;
  send(wire::GetOpen{key().second, digest(), granted_});
}

void Receiving::on_start(const wire::GetStart& start) {
  if (announced_) return refuse("the peer announced it twice");
  announced_ = true;
  size_ = start.size;
  encoding_ = start.encoding;
  begin();
}

void Receiving::begin() {
  busy_ = true;
  host_.step(
      shared_from_this(),
      [output = output_, &sink = host_.sink(), name = digest(), size = size_,
       encoding = encoding_] { output->begin(sink, name, size, encoding); },
      [this] { begun(); });
}

void Receiving::begun() {
  busy_ = false;
  if (!output_->status) return host_.end(key(), std::move(output_->status), true);
  if (!output_->writer) return host_.end(key(), {}, true);  // the sink has it
  writing_ = true;
  if (!opener()) {
    granted_ = host_.options().window_bytes;
    send(wire::Credit{key().second, granted_});
  }
  pump();
}

std::string Receiving::fault_of(const wire::Chunk& chunk, const wire::Frames& raw) const {
  if (!announced_) return "the peer sent bytes before it announced them";
  if (raw.size() != 1) return "a chunk must have one raw frame";
  if (last_seen_) return "the peer sent bytes after the last";
  if (raw[0].empty() && !chunk.last) return "the peer sent an empty chunk before the last";
  if (raw[0].size() > kMaxChunkBytes) return "the peer sent a chunk above 256 KiB";
  if (raw[0].size() > granted_) return "the peer sent more than it was granted";
  if (chunk.offset != received_) return "the peer left bytes out";
  if (received_ + raw[0].size() > max_encoded(size_, encoding_)) {
    return "the peer sent more than it announced";
  }
  return {};
}

void Receiving::on_chunk(const wire::Chunk& chunk, wire::Frames raw) {
  const std::string fault = fault_of(chunk, raw);
  if (!fault.empty()) return refuse(fault);
  received_ += raw[0].size();
  granted_ -= raw[0].size();
  last_seen_ = chunk.last;
  pending_.push_back(std::move(raw[0]));
  pump();
}

void Receiving::pump() {
  if (ended || busy_ || !writing_ || pending_.empty()) return;
  busy_ = true;
  // What is encoded may unfold into very much: then one chunk a step, so that other transfers get
  // their turn on the pool.
  const std::size_t most = encoding_ == wire::Encoding::raw ? pending_.size() : 1;
  wire::Frames parts;
  std::size_t bytes = 0;
  for (; parts.size() < most && !pending_.empty(); pending_.pop_front()) {
    bytes += pending_.front().size();
    parts.push_back(std::move(pending_.front()));
  }
  const bool last = last_seen_ && pending_.empty();
  host_.step(
      shared_from_this(),
      [output = output_, parts = std::move(parts), last] { output->write(parts, last); },
      [this, bytes, last] { written(bytes, last); });
}

void Receiving::written(std::size_t bytes, bool last) {
  busy_ = false;
  if (!output_->status) return host_.end(key(), std::move(output_->status), true);
  if (last) return host_.end(key(), {}, !opener());
  granted_ += bytes;
  send(wire::Credit{key().second, bytes});
  pump();
}

// Credits of zero bytes: the serving side is alive, and this transfer waits for its turn there.
void Receiving::on_credit(const wire::Credit& credit) {
  if (credit.bytes != 0) refuse("the peer granted bytes that it should send");
}

std::shared_ptr<void> Receiving::give_up() {
  return std::move(output_);
}

void Receiving::on_done(Status status) {
  if (status && opener()) {
    status = fail(Errc::corrupt, "transfer of " + digest().short_hex() +
                                     ": the peer ended it before the last byte");
  }
  host_.end(key(), std::move(status), false);
}

}  // namespace kiln::net
