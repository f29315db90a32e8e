// A blob source and sink in memory, with the faults that tests need.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "common/net/blob_io.h"

namespace kiln::net {

// Lets threads through or holds them.
class Gate {
 public:
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
};

class FakeStore : public BlobSource, public BlobSink {
 public:
  // As content of `digest`, be it true or not.
  void add(const Digest& digest, std::string content) {
    const std::lock_guard lock(mutex_);
    blobs_[digest] = std::move(content);
  }
  Digest add(std::string content) {
    const Digest digest = digest_of(content);
    add(digest, std::move(content));
    return digest;
  }
  // Empty when it is not there.
  std::string content(const Digest& digest) {
    const std::lock_guard lock(mutex_);
    const auto found = blobs_.find(digest);
    return found == blobs_.end() ? std::string() : found->second;
  }
  bool has(const Digest& digest) {
    const std::lock_guard lock(mutex_);
    return blobs_.contains(digest);
  }

  Result<std::unique_ptr<BlobReader>> open(const Digest& digest) override;
  Result<std::unique_ptr<BlobWriter>> begin(const Digest& digest, std::uint64_t size,
                                            wire::Encoding encoding) override;

  // Whether a reader or writer was destroyed on that thread.
  bool ended_on(std::thread::id thread) {
    const std::lock_guard lock(mutex_);
    return ends_.contains(thread);
  }

  Gate write_gate;
  std::atomic<std::size_t> bytes_read = 0;
  std::atomic<std::size_t> bytes_written = 0;
  std::atomic<int> writers = 0;  // alive
  std::atomic<int> most_writers = 0;
  std::atomic<int> begun = 0;

 private:
  class Reader;
  class Writer;

  void note_end() {
    const std::lock_guard lock(mutex_);
    ends_.insert(std::this_thread::get_id());
  }

  std::mutex mutex_;
  std::map<Digest, std::string> blobs_;
  std::set<std::thread::id> ends_;
};

class FakeStore::Reader : public BlobReader {
 public:
  Reader(FakeStore& store, std::string content) : store_(store), content_(std::move(content)) {}
  ~Reader() override { store_.note_end(); }
  std::uint64_t size() const override { return content_.size(); }
  wire::Encoding encoding() const override { return wire::Encoding::raw; }
  // Short reads, as files may give.
  Result<std::string> read(std::size_t max_bytes) override {
    std::string part = content_.substr(offset_, std::min<std::size_t>(max_bytes, 100'000));
    offset_ += part.size();
    store_.bytes_read += part.size();
    return part;
  }

 private:
  FakeStore& store_;
  std::string content_;
  std::size_t offset_ = 0;
};

class FakeStore::Writer : public BlobWriter {
 public:
  Writer(FakeStore& store, const Digest& digest, std::uint64_t size)
      : store_(store), digest_(digest), size_(size) {
    const int alive = ++store_.writers;
    if (alive > store_.most_writers) store_.most_writers = alive;
  }
  ~Writer() override {
    store_.note_end();
    --store_.writers;
  }
  Status write(std::string_view encoded) override {
    store_.write_gate.pass();
    content_ += encoded;
    store_.bytes_written += encoded.size();
    return {};
  }
  Status finish() override {
    if (content_.size() != size_ || digest_of(content_) != digest_) {
      return fail(Errc::corrupt, "blob " + digest_.short_hex() + " has other content");
    }
    store_.add(digest_, std::move(content_));
    return {};
  }

 private:
  FakeStore& store_;
  Digest digest_;
  std::uint64_t size_;
  std::string content_;
};

inline Result<std::unique_ptr<BlobReader>> FakeStore::open(const Digest& digest) {
  if (!has(digest)) return fail(Errc::not_found, "no blob " + digest.short_hex());
  return std::unique_ptr<BlobReader>(std::make_unique<Reader>(*this, content(digest)));
}

inline Result<std::unique_ptr<BlobWriter>> FakeStore::begin(const Digest& digest,
                                                            std::uint64_t size, wire::Encoding) {
  ++begun;
  if (has(digest)) return std::unique_ptr<BlobWriter>();
  return std::unique_ptr<BlobWriter>(std::make_unique<Writer>(*this, digest, size));
}

}  // namespace kiln::net
