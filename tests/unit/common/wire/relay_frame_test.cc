#include "common/wire/relay_frame.h"

#include <string>

#include <gtest/gtest.h>

#include "common/wire/codec.h"

namespace kiln::wire {
namespace {

TEST(RelayFrame, is_read_as_it_was_written) {
  for (const auto kind : {RelayKind::data, RelayKind::credit}) {
    const RelayFrame frame{kind, 0x0102030405060708, 0xf0e0d0c0};
    EXPECT_EQ(decode_relay(encode_relay(frame)), frame);
  }
}

TEST(RelayFrame, its_bytes_are_fixed) {
  EXPECT_EQ(encode_relay({RelayKind::credit, 0x0102030405060708, 9}),
            std::string("\x00\x01\xff\x02\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x09", 16));
}

TEST(RelayFrame, nothing_else_is_taken_for_one) {
  EXPECT_FALSE(decode_relay(encode(Ping{1}).at(0)));
  EXPECT_FALSE(decode_relay(""));
  auto bytes = encode_relay({RelayKind::data, 1, 0});
  EXPECT_FALSE(decode_relay(bytes.substr(1)));
  EXPECT_FALSE(decode_relay(bytes + "x"));
  bytes[1] = 9;
  EXPECT_FALSE(decode_relay(bytes)) << "another version";
  bytes = encode_relay({RelayKind::data, 1, 0});
  bytes[3] = 3;
  EXPECT_FALSE(decode_relay(bytes)) << "another kind";
}

TEST(RelayFrame, a_message_reader_does_not_take_one_for_a_message) {
  EXPECT_FALSE(decode({encode_relay({RelayKind::data, 1, 0}), "x"}));
}

}  // namespace
}  // namespace kiln::wire
