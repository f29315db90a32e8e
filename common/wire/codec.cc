#include "common/wire/codec.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

#include "common/wire/fields.h"
#include "common/wire/kinds.h"

namespace kiln::wire {
namespace {

constexpr std::size_t kHeaderBytes = 4;

void append_u16(std::string& out, std::size_t value) {
  out.push_back(static_cast<char>((value >> 8) & 0xff));
  out.push_back(static_cast<char>(value & 0xff));
}

std::size_t read_u16(std::string_view bytes, std::size_t offset) {
  return std::size_t{static_cast<unsigned char>(bytes[offset])} << 8 |
         static_cast<unsigned char>(bytes[offset + 1]);
}

std::string encode_header(std::size_t kind) {
  std::string header;
  append_u16(header, kProtocolVersion);
  append_u16(header, kind);
  return header;
}

using Decoder = Result<Message> (*)(std::string_view);

template <typename Kind>
Result<Message> decode_kind(std::string_view body) {
  constexpr std::string_view name = KindName<Kind>::text;
  auto parsed = Parsed::parse(body);
  if (!parsed) {
    return fail(Errc::corrupt, std::string(name) + "'s map " + parsed.error().message);
  }
  Kind kind;
  KILN_TRY(read(parsed->root(), kind, Place{nullptr, name}));
  return Message(std::move(kind));
}

template <std::size_t... Index>
constexpr auto make_decoders(std::index_sequence<Index...>) {
  return std::array<Decoder, sizeof...(Index)>{
      &decode_kind<std::variant_alternative_t<Index, Message>>...};
}

constexpr auto kDecoders = make_decoders(std::make_index_sequence<std::variant_size_v<Message>>());

// The place in Message that frame 0 names.
Result<std::size_t> decode_header(std::string_view header) {
  if (header.size() < kHeaderBytes) {
    return fail(Errc::corrupt, "a message's first frame has " + std::to_string(header.size()) +
                                   " bytes where version and kind take 4");
  }
  const std::size_t version = read_u16(header, 0);
  if (version != kProtocolVersion) {
    return fail(Errc::version_mismatch,
                "peer speaks protocol " + std::to_string(version) + ", this program speaks " +
                    std::to_string(kProtocolVersion) + "; update the older one");
  }
  const std::size_t kind = read_u16(header, 2);
  if (header.size() != kHeaderBytes || kind == 0 || kind > kDecoders.size()) {
    return fail(Errc::corrupt, "a message of no known kind (" + std::to_string(kind) + ")");
  }
  return kind - 1;
}

tl::unexpected<Error> bad_entry(const TreeEntry& entry, std::string_view why) {
  return fail(Errc::corrupt, "directory listing: entry \"" + entry.name + "\" " + std::string(why));
}

Status check_entry(const TreeEntry& entry) {
  const std::string_view name = entry.name;
  if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos ||
      name.find('\0') != name.npos) {
    return bad_entry(entry, "is not a single path component");
  }
  if (entry.mode > 07777) return bad_entry(entry, "has a mode that is not permission bits");
  const bool is_link = entry.kind == EntryKind::symlink;
  if (is_link == entry.target.empty() || entry.target.find('\0') != std::string::npos) {
    return bad_entry(entry, "has a target that does not fit its kind");
  }
  return {};
}

}  // namespace

Frames encode(const Message& message, Frames raw) {
  Frames frames;
  frames.reserve(2 + raw.size());
  frames.push_back(encode_header(message.index() + 1));
  frames.emplace_back();
  Packer packer(frames.back());
  std::visit([&](const auto& kind) { write(packer, kind); }, message);
  for (auto& frame : raw) frames.push_back(std::move(frame));
  return frames;
}

Result<Envelope> decode(Frames frames) {
  if (frames.empty())
    return fail(Errc::corrupt, "a message without frames, or with more than can be taken");
  KILN_TRY_ASSIGN(const std::size_t kind, decode_header(frames[0]));
  if (frames.size() < 2) return fail(Errc::corrupt, "a message without its map");
  KILN_TRY_ASSIGN(Message message, kDecoders.at(kind)(frames[1]));
  frames.erase(frames.begin(), frames.begin() + 2);
  return Envelope{std::move(message), std::move(frames)};
}

std::string encode_directory(const Directory& directory) {
  std::string bytes;
  Packer packer(bytes);
  write(packer, directory);
  return bytes;
}

Result<Directory> decode_directory(std::string_view bytes) {
  auto parsed = Parsed::parse(bytes);
  if (!parsed) return fail(parsed.error().within("directory listing"));
  Directory directory;
  KILN_TRY(read(parsed->root(), directory, Place{nullptr, "directory listing"}));
  const TreeEntry* before = nullptr;
  for (const auto& entry : directory.entries) {
    KILN_TRY(check_entry(entry));
    if (before != nullptr && before->name >= entry.name) {
      return bad_entry(entry, "is not sorted after the one before it");
    }
    before = &entry;
  }
  // One directory has one digest: no second way to write it, no fields that would be lost.
  if (encode_directory(directory) != bytes) {
    return fail(Errc::corrupt, "directory listing is not in its canonical form");
  }
  return directory;
}

std::string_view kind_name(const Message& message) {
  return std::visit([](const auto& kind) { return KindName<std::decay_t<decltype(kind)>>::text; },
                    message);
}

}  // namespace kiln::wire
