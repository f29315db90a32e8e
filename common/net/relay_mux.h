// All streams of one connection to a coordinator: what an agent and a worker say to each other
// through it. Pure; RelayTrunk gives it the connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/result.h"
#include "common/net/relay_stream.h"
#include "common/wire/codec.h"
#include "common/wire/messages.h"
#include "common/wire/relay_frame.h"

namespace kiln::net {

// A stream's number on its connection.
using StreamId = std::uint64_t;

class RelayMux {
 public:
  // What the owner of a stream hears of it. Each may close streams and open others.
  struct Ears {
    std::function<void()> opened;  // the other end has taken it: messages arrive now; may be empty
    std::function<void(wire::Frames)> message;
    std::function<void(const Error&)> closed;  // once, unless close() came first
  };
  // Errors mean that the connection has no room or is gone.
  using Send = std::function<Status(wire::Frames)>;
  // Takes a stream that the other side opens. An error refuses it.
  using Accept = std::function<Result<Ears>(StreamId, const wire::RelayOpen&)>;

  explicit RelayMux(Send send, const RelayLimits& limits = {});
  RelayMux(const RelayMux&) = delete;
  RelayMux& operator=(const RelayMux&) = delete;

  void on_open(Accept accept) { accept_ = std::move(accept); }

  // Begins a stream to the worker; what is sent before it is taken waits. 0: the connection is
  // gone, and `ears` hears nothing.
  StreamId open(const std::string& worker, std::uint64_t worker_epoch, wire::RelayChannel channel,
                Ears ears);
  // Calls nobody back. Errc::unavailable: it has ended. Errc::resource_exhausted: the other end
  // does not read and the queue is full; nothing was queued.
  Status send(StreamId stream, const wire::Frames& message);
  // Ends it; the other end hears why.
  void close(StreamId stream, const Error& why);

  // What arrives and cannot be read is dropped, counted and told of.
  void on_unreadable(std::function<void(const Error&)> fn) { on_unreadable_ = std::move(fn); }
  std::uint64_t unreadable() const { return unreadable_; }

  // Takes in what arrived on the connection; gives it back when it is of no stream.
  std::optional<wire::Envelope> receive(wire::Frames frames);
  // Ends the streams of which a piece found no room on the connection. Call it now and then.
  void sweep();
  // The connection broke: every stream ends.
  void lost(const Error& why);

  std::size_t streams() const { return entries_.size(); }

 private:
  struct Entry {
    RelayStream stream;
    Ears ears;
    bool open = false;
    bool broken = false;  // a piece of it found no room: to be swept
  };
  using Owned = std::shared_ptr<Entry>;

  RelayLimits limits_now() const;
  void drop(const Error& why);
  Owned find(StreamId stream) const;
  bool is_there(StreamId stream, const Owned& entry) const { return find(stream) == entry; }
  void opened(const wire::RelayOpen& open);
  void accept(const wire::RelayOpen& open);
  void piece(StreamId stream, const std::string& bytes);
  void credit(StreamId stream, std::uint32_t bytes);
  void pump(StreamId stream, Entry& entry);
  // Tells both ends.
  void break_off(StreamId stream, const Error& why);
  void end(StreamId stream, const Error& why);

  Send send_;
  RelayLimits limits_;
  Accept accept_;
  std::function<void(const Error&)> on_unreadable_;
  std::uint64_t unreadable_ = 0;
  StreamId last_ = 0;
  std::map<StreamId, Owned> entries_;
};

}  // namespace kiln::net
