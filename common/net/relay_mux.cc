#include "common/net/relay_mux.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "common/wire/codec.h"

namespace kiln::net {
namespace {

// What the peers of one connection may have on their way to us together, so that what waits for us
// in a coordinator is bounded however many they are: beyond, each new one gets less.
constexpr std::size_t kAllWindows = std::size_t{12} << 20;
constexpr std::size_t kLeastWindow = std::size_t{64} << 10;

wire::Frames close_frames(StreamId stream, const Error& why) {
  return wire::encode(wire::RelayClose{stream, std::string(name(why.code)), why.message});
}

wire::Frames credit_frames(StreamId stream, std::uint32_t bytes) {
  return {wire::encode_relay({wire::RelayKind::credit, stream, bytes})};
}

}  // namespace

RelayMux::RelayMux(Send send, const RelayLimits& limits)
    : send_(std::move(send)), limits_(limits) {}

RelayLimits RelayMux::limits_now() const {
  RelayLimits limits = limits_;
  const auto share = std::max(kLeastWindow, kAllWindows / (entries_.size() + 1));
  limits.window_bytes =
      static_cast<std::uint32_t>(std::min<std::size_t>(limits.window_bytes, share));
  return limits;
}

RelayMux::Owned RelayMux::find(StreamId stream) const {
  const auto found = entries_.find(stream);
  return found == entries_.end() ? nullptr : found->second;
}

StreamId RelayMux::open(const std::string& worker, std::uint64_t worker_epoch,
                        wire::RelayChannel channel, Ears ears) {
  auto entry = std::make_shared<Entry>(Entry{RelayStream(limits_now()), std::move(ears)});
  const StreamId stream = ++last_;
  wire::RelayOpen open;
  open.stream = stream;
  open.worker = worker;
  open.worker_epoch = worker_epoch;
  open.channel = channel;
  open.credit = entry->stream.first_credit();
  if (!send_(wire::encode(open))) return 0;
  entries_[stream] = std::move(entry);
  return stream;
}

Status RelayMux::send(StreamId stream, const wire::Frames& message) {
  const auto entry = find(stream);
  if (!entry || entry->broken)
    return fail(Errc::unavailable, "send through the coordinator: the stream has ended");
  KILN_TRY(entry->stream.send(message));
  pump(stream, *entry);
  return {};
}

// A message about a stream that cannot be sent finds a connection that is as good as gone; its end
// ends all.
void RelayMux::close(StreamId stream, const Error& why) {
  if (entries_.erase(stream) > 0) (void)send_(close_frames(stream, why));
}

std::optional<wire::Envelope> RelayMux::receive(wire::Frames frames) {
  if (const auto frame = frames.empty() ? std::nullopt : wire::decode_relay(frames[0])) {
    if (frame->kind == wire::RelayKind::credit) {
      credit(frame->stream, frame->amount);
    } else if (frames.size() == 2) {
      piece(frame->stream, frames[1]);
    } else {
      drop({Errc::corrupt, "a piece of a stream has one frame"});
    }
    return std::nullopt;
  }
  auto envelope = wire::decode(std::move(frames));
  if (!envelope) {
    drop(envelope.error());
    return std::nullopt;
  }
  if (const auto* open = std::get_if<wire::RelayOpen>(&envelope->message)) {
    opened(*open);
  } else if (const auto* close = std::get_if<wire::RelayClose>(&envelope->message)) {
    end(close->stream, Error{errc_of(close->code), close->reason});
  } else {
    return std::move(*envelope);
  }
  return std::nullopt;
}

void RelayMux::drop(const Error& why) {
  ++unreadable_;
  if (on_unreadable_) on_unreadable_(why);
}

void RelayMux::opened(const wire::RelayOpen& open) {
  const auto entry = find(open.stream);
  if (!entry) return accept(open);
  if (const auto fine = entry->stream.credited(open.credit); !fine || entry->open)
    return break_off(open.stream, {Errc::corrupt, "the other end opens the stream twice"});
  entry->open = true;
  if (entry->ears.opened) entry->ears.opened();
  if (is_there(open.stream, entry)) pump(open.stream, *entry);
}

void RelayMux::accept(const wire::RelayOpen& open) {
  if (!accept_) return;  // an answer to what was closed meanwhile
  auto ears = accept_(open.stream, open);
  if (!ears) return (void)send_(close_frames(open.stream, ears.error()));
  auto entry = std::make_shared<Entry>(Entry{RelayStream(limits_now()), std::move(*ears)});
  entry->open = true;
  entries_[open.stream] = entry;
  if (!entry->stream.credited(open.credit))
    return break_off(open.stream, {Errc::corrupt, "the other end grants more than any would"});
  wire::RelayOpen answer = open;
  answer.credit = entry->stream.first_credit();
  answer.key = {};
  (void)send_(wire::encode(answer));
}

void RelayMux::piece(StreamId stream, const std::string& bytes) {
  const auto entry = find(stream);
  if (!entry) return;  // it was closed meanwhile
  if (const auto fine = entry->stream.receive(bytes); !fine) return break_off(stream, fine.error());
  while (is_there(stream, entry)) {
    auto message = entry->stream.next_message();
    if (!message) break;
    entry->ears.message(std::move(*message));
  }
  if (!is_there(stream, entry)) return;
  if (const auto more = entry->stream.take_credit(); more > 0)
    (void)send_(credit_frames(stream, more));
}

void RelayMux::credit(StreamId stream, std::uint32_t bytes) {
  const auto entry = find(stream);
  if (!entry) return;
  if (const auto fine = entry->stream.credited(bytes); !fine)
    return break_off(stream, fine.error());
  pump(stream, *entry);
}

// Where the connection is gone, all streams are about to end with it.
void RelayMux::pump(StreamId stream, Entry& entry) {
  if (entry.broken) return;
  while (auto piece = entry.stream.next_piece()) {
    const auto sent =
        send_({wire::encode_relay({wire::RelayKind::data, stream, 0}), std::move(*piece)});
    entry.broken = !sent;
    if (!sent) return;
  }
}

void RelayMux::sweep() {
  std::vector<StreamId> broken;
  for (const auto& [stream, entry] : entries_) {
    if (entry->broken) broken.push_back(stream);
  }
  for (const auto stream : broken) {
    break_off(stream, {Errc::resource_exhausted, "the connection to the coordinator has no room"});
  }
}

void RelayMux::break_off(StreamId stream, const Error& why) {
  (void)send_(close_frames(stream, why));
  end(stream, why);
}

void RelayMux::end(StreamId stream, const Error& why) {
  const auto ended = entries_.extract(stream);
  if (ended && ended.mapped()->ears.closed) ended.mapped()->ears.closed(why);
}

void RelayMux::lost(const Error& why) {
  for (const auto& [stream, entry] : std::exchange(entries_, {})) {
    if (entry->ears.closed) entry->ears.closed(why);
  }
}

}  // namespace kiln::net
