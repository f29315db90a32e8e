#include "common/wire/stream.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>
#include <sys/types.h>

namespace kiln::wire {
namespace {

constexpr std::size_t kWord = 4;                       // bytes of a number
constexpr std::size_t kStep = std::size_t{256} << 10;  // bytes read or gathered at a time

void append_u32(std::string& out, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

std::size_t read_u32(std::string_view bytes) {
  std::size_t value = 0;
  for (const char byte : bytes.substr(0, kWord)) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

// Of what follows the first word.
std::size_t packed_size(const Frames& frames) {
  std::size_t size = kWord;
  for (const auto& frame : frames) size += kWord + frame.size();
  return size;
}

void append_prefix(std::string& out, const Frames& frames) {
  append_u32(out, packed_size(frames));
  append_u32(out, frames.size());
}

Status check_size(std::size_t size, const StreamLimits& limits) {
  if (size < kWord) return fail(Errc::corrupt, "a message shorter than its frame count");
  if (size > limits.message_bytes) {
    return fail(Errc::resource_exhausted, "a message of " + std::to_string(size) +
                                              " bytes, above the limit of " +
                                              std::to_string(limits.message_bytes));
  }
  return {};
}

// Takes what follows the first word apart.
Result<Frames> unpack_frames(std::string_view body, const StreamLimits& limits) {
  const std::size_t count = read_u32(body);
  body.remove_prefix(kWord);
  if (count > limits.frames) {
    return fail(Errc::resource_exhausted, "a message of " + std::to_string(count) +
                                              " frames, above the limit of " +
                                              std::to_string(limits.frames));
  }
  if (count > body.size() / kWord) return fail(Errc::corrupt, "a message without all its frames");
  Frames frames;
  frames.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (body.size() < kWord || read_u32(body) > body.size() - kWord) {
      return fail(Errc::corrupt, "a frame longer than its message");
    }
    frames.emplace_back(body.substr(kWord, read_u32(body)));
    body.remove_prefix(kWord + frames.back().size());
  }
  if (!body.empty()) return fail(Errc::corrupt, "a message longer than its frames");
  return frames;
}

Status send_bytes(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail_errno("send a message", errno);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

// Appends exactly `size` bytes to `out`, a step at a time so that memory follows what arrived.
Status receive_bytes(int fd, std::string& out, std::size_t size) {
  const std::size_t end = out.size() + size;
  while (out.size() < end) {
    const std::size_t have = out.size();
    const std::size_t step = std::min(end - have, kStep);
    out.resize(have + step);
    const ssize_t got = ::recv(fd, out.data() + have, step, 0);
    const int error = errno;
    out.resize(have + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && error == EINTR) continue;
    if (got < 0) return fail_errno("receive a message", error);
    if (got == 0) return fail(Errc::unavailable, "receive a message: the peer has closed");
  }
  return {};
}

}  // namespace

std::string pack_stream(const Frames& frames) {
  std::string out;
  out.reserve(kWord + packed_size(frames));
  append_prefix(out, frames);
  for (const auto& frame : frames) {
    append_u32(out, frame.size());
    out += frame;
  }
  return out;
}

Status StreamDecoder::feed(std::string_view bytes) {
  buffer_ += bytes;
  auto status = take_messages();
  buffer_.erase(0, taken_);
  taken_ = 0;
  return status;
}

Status StreamDecoder::take_messages() {
  while (true) {
    const std::string_view rest = std::string_view(buffer_).substr(taken_);
    if (rest.size() < kWord) return {};
    const std::size_t size = read_u32(rest);
    KILN_TRY(check_size(size, limits_));
    if (rest.size() - kWord < size) return {};
    KILN_TRY_ASSIGN(Frames frames, unpack_frames(rest.substr(kWord, size), limits_));
    ready_.push_back(std::move(frames));
    taken_ += kWord + size;
  }
}

std::optional<Frames> StreamDecoder::next() {
  if (ready_.empty()) return std::nullopt;
  Frames frames = std::move(ready_.front());
  ready_.pop_front();
  return frames;
}

Status send_message(int fd, const Message& message, const Frames& raw) {
  Frames frames = encode(message);
  std::string gathered;
  append_u32(gathered, packed_size(frames) + packed_size(raw) - kWord);
  append_u32(gathered, frames.size() + raw.size());
  for (const Frames* part : {&std::as_const(frames), &raw}) {
    for (const auto& frame : *part) {
      append_u32(gathered, frame.size());
      if (gathered.size() + frame.size() <= kStep) {
        gathered += frame;
        continue;
      }
      KILN_TRY(send_bytes(fd, gathered));
      gathered.clear();
      KILN_TRY(send_bytes(fd, frame));
    }
  }
  return send_bytes(fd, gathered);
}

Result<Envelope> receive_message(int fd, const StreamLimits& limits) {
  std::string word;
  KILN_TRY(receive_bytes(fd, word, kWord));
  const std::size_t size = read_u32(word);
  KILN_TRY(check_size(size, limits));
  std::string body;
  KILN_TRY(receive_bytes(fd, body, size));
  KILN_TRY_ASSIGN(Frames frames, unpack_frames(body, limits));
  return decode(std::move(frames));
}

}  // namespace kiln::wire
