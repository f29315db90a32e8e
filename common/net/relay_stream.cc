#include "common/net/relay_stream.h"

#include <algorithm>
#include <utility>

namespace kiln::net {
namespace {

// No end has reason to grant more at once: a count that grows beyond is a mistake or an attack.
constexpr std::uint64_t kMostCredit = std::uint64_t{1} << 32;

}  // namespace

RelayStream::RelayStream(const RelayLimits& limits)
    : limits_(limits),
      granted_(limits.window_bytes),
      decoder_({limits.message_bytes, std::size_t{1} << 16}) {}

Status RelayStream::send(const wire::Frames& message) {
  auto bytes = wire::pack_stream(message);
  if (queued_ > 0 && queued_ + bytes.size() > limits_.queue_bytes) {
    return fail(Errc::resource_exhausted,
                "send through the coordinator: the peer does not read and the queue is full (" +
                    std::to_string(queued_) + " bytes)");
  }
  queued_ += bytes.size();
  queue_.push_back(std::move(bytes));
  return {};
}

Status RelayStream::credited(std::uint32_t bytes) {
  credit_ += bytes;
  if (credit_ <= kMostCredit) return {};
  return fail(Errc::corrupt, "the peer grants more than any peer would");
}

std::optional<std::string> RelayStream::next_piece() {
  if (queue_.empty() || credit_ == 0) return std::nullopt;
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(credit_, limits_.piece_bytes));
  std::string piece;
  // Small messages share a piece: each costs a coordinator about as much as a large one.
  while (piece.size() < most && !queue_.empty()) {
    const auto& first = queue_.front();
    const auto size = std::min(most - piece.size(), first.size() - sent_);
    piece.append(first, sent_, size);
    sent_ += size;
    if (sent_ < first.size()) break;
    queue_.pop_front();
    sent_ = 0;
  }
  credit_ -= piece.size();
  queued_ -= piece.size();
  return piece;
}

Status RelayStream::receive(std::string_view piece) {
  if (piece.size() > granted_) {
    return fail(Errc::corrupt, "the peer sends more than it was granted");
  }
  granted_ -= piece.size();
  return decoder_.feed(piece);
}

// Half a window at a time, so that grants are few and the other end is not kept waiting.
std::uint32_t RelayStream::take_credit() {
  const auto missing = static_cast<std::uint32_t>(limits_.window_bytes - granted_);
  if (missing < limits_.window_bytes / 2) return 0;
  granted_ = limits_.window_bytes;
  return missing;
}

}  // namespace kiln::net
