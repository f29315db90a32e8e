#include "common/wire/codec.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include <gtest/gtest.h>

#include "tests/unit/common/wire/sample.h"

namespace kiln::wire {
namespace {

std::string hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::string text_of(std::string_view text) {
  return static_cast<char>(0xa0 | text.size()) + std::string(text);
}

// A map of one entry, for names shorter than 32.
std::string map_of_one(std::string_view key, std::string_view value) {
  return '\x81' + text_of(key) + std::string(value);
}

Frames with_body(const Message& message, std::string body) {
  Frames frames = encode(message);
  frames[1] = std::move(body);
  return frames;
}

template <typename Kind>
std::vector<std::string> field_names(const Kind& kind) {
  std::vector<std::string> names;
  Kind::describe(kind, [&](std::string_view name, const auto&) { names.emplace_back(name); });
  return names;
}

Message default_like(const Message& message) {
  return std::visit([](const auto& kind) { return Message(std::decay_t<decltype(kind)>{}); },
                    message);
}

TEST(Codec, every_kind_survives_the_round_trip_with_its_raw_frames) {
  for (const auto& message : samples()) {
    EXPECT_FALSE(message == default_like(message)) << kind_name(message);
    auto envelope = decode(encode(message, {"raw", std::string(3, '\0')}));
    ASSERT_TRUE(envelope) << kind_name(message) << ": " << envelope.error().message;
    EXPECT_TRUE(envelope->message == message) << kind_name(message);
    EXPECT_EQ(envelope->raw, (Frames{"raw", std::string(3, '\0')}));
  }
}

// When a message changes on purpose: copy the line that the failure shows into golden.txt, and
// raise kProtocolVersion if an older peer could misunderstand the change.
TEST(Codec, bytes_are_those_of_the_golden_file) {
  std::map<std::string, std::string> golden;
  std::ifstream file(KILN_GOLDEN);
  for (std::string kind, bytes; file >> kind >> bytes;) golden[kind] = bytes;
  for (const auto& message : samples()) {
    const std::string kind(kind_name(message));
    const Frames frames = encode(message);
    EXPECT_EQ(golden[kind], hex(frames[0] + frames[1]))
        << "new line: " << kind << ' ' << hex(frames[0] + frames[1]);
    golden.erase(kind);
  }
  EXPECT_EQ(golden["Directory"], hex(encode_directory(sample_directory())))
      << "new line: Directory " << hex(encode_directory(sample_directory()));
  golden.erase("Directory");
  EXPECT_TRUE(golden.empty()) << "no such kind: " << golden.begin()->first;
}

TEST(Codec, missing_fields_keep_their_defaults) {
  for (const auto& message : samples()) {
    auto envelope = decode(with_body(message, "\x80"));
    ASSERT_TRUE(envelope) << kind_name(message);
    EXPECT_TRUE(envelope->message == default_like(message)) << kind_name(message);
  }
}

TEST(Codec, unknown_fields_are_ignored) {
  for (const auto& message : samples()) {
    std::string body = encode(message)[1];
    if ((body[0] & 0x0f) == 15) continue;
    body[0] = static_cast<char>(body[0] + 1);
    body += text_of("from_the_future") + map_of_one("x", "\x93\x01\x02\xc0");
    auto envelope = decode(with_body(message, body));
    ASSERT_TRUE(envelope) << kind_name(message) << ": " << envelope.error().message;
    EXPECT_TRUE(envelope->message == message) << kind_name(message);
  }
}

TEST(Codec, order_of_fields_does_not_matter) {
  const std::string body =
      '\x82' + text_of("reason") + text_of("why") + text_of("request") + '\x07';
  auto envelope = decode(with_body(Refused{}, body));
  ASSERT_TRUE(envelope);
  EXPECT_EQ(std::get<Refused>(envelope->message), (Refused{7, "", "why"}));
}

TEST(Codec, a_wrong_type_in_any_field_is_refused_by_name) {
  for (const auto& message : samples()) {
    const auto names = std::visit([](const auto& kind) { return field_names(kind); }, message);
    for (const auto& name : names) {
      auto envelope = decode(with_body(message, map_of_one(name, "\xc0")));
      ASSERT_FALSE(envelope) << kind_name(message) << '.' << name;
      EXPECT_EQ(envelope.error().code, Errc::corrupt);
      EXPECT_EQ(envelope.error().message.find(std::string(kind_name(message)) + '.' + name), 0U)
          << envelope.error().message;
    }
  }
}

std::string error_of(Frames frames) {
  auto envelope = decode(std::move(frames));
  if (envelope) return "accepted";
  EXPECT_EQ(envelope.error().code, Errc::corrupt);
  return envelope.error().message;
}

TEST(Codec, values_out_of_range_are_refused_by_name) {
  EXPECT_EQ(error_of(with_body(Accepted{}, map_of_one("phase", "\x04"))),
            "Accepted.phase must be a value that this program knows");
  EXPECT_EQ(error_of(with_body(Accepted{}, map_of_one("phase", "\xcd\x01\x01"))),
            "Accepted.phase must be an unsigned integer within its range");
  EXPECT_EQ(error_of(with_body(CallDone{}, map_of_one("signal", "\xce\xff\xff\xff\xff"))),
            "CallDone.signal must be an integer within its range");
  EXPECT_EQ(error_of(with_body(Ping{}, map_of_one("number", "\xff"))),
            "Ping.number must be an unsigned integer within its range");
  EXPECT_EQ(error_of(with_body(GetOpen{}, map_of_one("digest", "\xc4\x01x"))),
            "GetOpen.digest must be 32 bytes");
  EXPECT_EQ(error_of(with_body(Ack{}, map_of_one("attempt", map_of_one("number", "\xa1x")))),
            "Ack.attempt.number must be an unsigned integer within its range");
}

TEST(Codec, a_body_that_is_no_map_is_refused) {
  EXPECT_EQ(error_of(with_body(Ping{}, "")), "Ping's map is empty");
  EXPECT_EQ(error_of(with_body(Ping{}, "\x01")), "Ping must be a map");
  EXPECT_EQ(error_of(with_body(Ping{}, "\xc1")), "Ping's map is not MessagePack");
  EXPECT_EQ(error_of(with_body(Ping{}, "\x80\x80")), "Ping's map has bytes after its end");
}

TEST(Codec, every_truncation_is_refused) {
  for (const auto& message : samples()) {
    const std::string body = encode(message)[1];
    for (std::size_t size = 0; size < body.size(); ++size) {
      ASSERT_FALSE(decode(with_body(message, body.substr(0, size)))) << kind_name(message);
    }
  }
}

TEST(Codec, announced_sizes_cost_nothing_before_they_are_seen) {
  EXPECT_EQ(error_of(with_body(Need{}, map_of_one("digests", "\xdd\xff\xff\xff\xff"))),
            "Need's map has too many parts");
  EXPECT_EQ(error_of(with_body(Need{}, map_of_one("digests", std::string("\xdd\0\x0f\0\0", 5)))),
            "Need's map ends too early");
  EXPECT_EQ(error_of(with_body(Refused{}, map_of_one("code", "\xdb\xff\xff\xff\xff"))),
            "Refused's map ends too early");
  EXPECT_EQ(error_of(with_body(Need{}, map_of_one("x", std::string(10000, '\x91')))),
            "Need's map is nested too deeply");
}

TEST(Codec, another_version_is_told_apart_from_garbage) {
  auto envelope = decode({std::string("\0\2\0\1later", 9), "anything"});
  ASSERT_FALSE(envelope);
  EXPECT_EQ(envelope.error().code, Errc::version_mismatch);
  EXPECT_EQ(envelope.error().message,
            "peer speaks protocol 2, this program speaks 1; update the older one");
}

TEST(Codec, bad_first_frames_are_refused) {
  EXPECT_NE(error_of({}), "accepted");
  EXPECT_NE(error_of({"abc"}), "accepted");
  EXPECT_NE(error_of({std::string("\0\1\0\1", 4)}), "accepted");
  EXPECT_NE(error_of({std::string("\0\1\0\1x", 5), "\x80"}), "accepted");
  EXPECT_NE(error_of({std::string("\0\1\0\0", 4), "\x80"}), "accepted");
  EXPECT_NE(error_of({std::string("\0\1\xff\xff", 4), "\x80"}), "accepted");
}

TEST(DirectoryCodec, round_trip) {
  EXPECT_EQ(*decode_directory(encode_directory(sample_directory())), sample_directory());
  EXPECT_EQ(*decode_directory(encode_directory({})), Directory{});
}

std::string directory_error(const Directory& directory) {
  auto decoded = decode_directory(encode_directory(directory));
  if (decoded) return "accepted";
  EXPECT_EQ(decoded.error().code, Errc::corrupt);
  return decoded.error().message;
}

TEST(DirectoryCodec, entries_must_be_sorted_and_unique) {
  Directory directory = sample_directory();
  std::swap(directory.entries[0], directory.entries[1]);
  EXPECT_NE(directory_error(directory).find("is not sorted"), std::string::npos);
  directory.entries[1] = directory.entries[0];
  EXPECT_NE(directory_error(directory).find("is not sorted"), std::string::npos);
}

TEST(DirectoryCodec, names_must_be_single_components) {
  for (const auto& name : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                           std::string("a\0b", 3)}) {
    Directory directory = sample_directory();
    directory.entries = {directory.entries[0]};
    directory.entries[0].name = name;
    EXPECT_NE(directory_error(directory).find("single path component"), std::string::npos) << name;
  }
}

TEST(DirectoryCodec, mode_and_target_must_fit) {
  Directory directory = sample_directory();
  directory.entries[0].mode = 010644;
  EXPECT_NE(directory_error(directory).find("mode"), std::string::npos);
  directory = sample_directory();
  directory.entries[1].target = "";
  EXPECT_NE(directory_error(directory).find("target"), std::string::npos);
  directory = sample_directory();
  directory.entries[0].target = "elsewhere";
  EXPECT_NE(directory_error(directory).find("target"), std::string::npos);
}

TEST(DirectoryCodec, another_way_to_write_the_same_listing_is_refused) {
  EXPECT_FALSE(decode_directory("\x80"));
  const std::string canonical = encode_directory({});
  const std::string longer = "\xde" + std::string("\0\1", 2) + canonical.substr(1);
  EXPECT_NE(decode_directory(longer).error().message.find("canonical"), std::string::npos);
}

}  // namespace
}  // namespace kiln::wire
