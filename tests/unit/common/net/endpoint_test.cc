#include "common/net/endpoint.h"

#include <gtest/gtest.h>

namespace kiln::net {
namespace {

TEST(Endpoint, reads_every_form) {
  EXPECT_EQ(*parse_endpoint("tcp://build-1.example:1234", 7), (Endpoint{"build-1.example", 1234}));
  EXPECT_EQ(*parse_endpoint("10.0.0.1:1", 7), (Endpoint{"10.0.0.1", 1}));
  EXPECT_EQ(*parse_endpoint("host", 7), (Endpoint{"host", 7}));
  EXPECT_EQ(*parse_endpoint("tcp://host", 7), (Endpoint{"host", 7}));
  EXPECT_EQ(*parse_endpoint("*:0", 7), (Endpoint{"*", 0}));
  EXPECT_EQ(*parse_endpoint("[fe80::1]:65535", 7), (Endpoint{"fe80::1", 65535}));
  EXPECT_EQ(*parse_endpoint("[::1]", 7), (Endpoint{"::1", 7}));
}

TEST(Endpoint, writes_what_it_reads) {
  const std::string key = "#" + std::string(62, 'a') + "01";
  for (const auto& text : {std::string("tcp://host:10650"), std::string("tcp://[::1]:10650"),
                           std::string("tcp://*:0"), "tcp://host:1" + key, "tcp://[::1]:1" + key}) {
    EXPECT_EQ(parse_endpoint(text, 7)->text(), text);
  }
  EXPECT_EQ(parse_endpoint("host" + key, 7)->text(), "tcp://host:7" + key);
}

TEST(Endpoint, says_what_is_wrong) {
  const std::pair<const char*, const char*> kBad[] = {
      {"", "host is missing"},      {"tcp://", "host is missing"}, {":80", "host is missing"},
      {"host:", "port is missing"}, {"host:x", "number from 0"},   {"host:65536", "number from 0"},
      {"host:-1", "number from 0"}, {"::1", "needs brackets"},     {"[::1", "closing ]"},
      {"[::1]80", "after ]"},       {"[host]:80", "IPv6 address"}, {"udp://host:1", "only tcp://"},
      {"ho st:1", "characters"},    {"user@host:1", "characters"}, {"host:1#", "64 digits"},
      {"host:1#beef", "64 digits"},
  };
  for (const auto& [text, why] : kBad) {
    auto endpoint = parse_endpoint(text, 7);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().code, Errc::invalid_argument);
    EXPECT_NE(endpoint.error().message.find(why), std::string::npos) << endpoint.error().message;
    EXPECT_NE(endpoint.error().message.find(text), std::string::npos) << endpoint.error().message;
  }
}

TEST(Endpoint, loopback_is_what_only_this_machine_reaches) {
  for (const auto* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) {
    EXPECT_TRUE(is_loopback({host, 1})) << host;
  }
  for (const auto* host : {"*", "0.0.0.0", "10.0.0.1", "::", "example.org", "128.0.0.1"}) {
    EXPECT_FALSE(is_loopback({host, 1})) << host;
  }
}

}  // namespace
}  // namespace kiln::net
