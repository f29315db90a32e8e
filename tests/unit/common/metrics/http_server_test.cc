#include "common/metrics/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/files.h"
#include "common/base/unique_fd.h"

namespace kiln::metrics {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string ask(std::uint16_t port, const std::string& method, const std::string& path,
                const std::string& header = "") {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "";
  const auto request = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n";
  EXPECT_TRUE(write_all(fd.get(), request));
  return read_all(fd.get()).value_or("");
}

HttpServer started(HttpHandlers handlers) {
  auto server = HttpServer::start("127.0.0.1:0", std::move(handlers));
  if (!server) ADD_FAILURE() << server.error().message;
  return std::move(*server);
}

TEST(HttpServer, serves_metrics_and_pages) {
  HttpHandlers handlers;
  handlers.metrics = [] { return std::string("kiln_up 1\n"); };
  handlers.pages["/api/v1/nodes"] = [](const std::string& query) {
    return HttpReply{200, "application/json", "[\"" + query + "\"]"};
  };
  const auto server = started(std::move(handlers));
  EXPECT_EQ(server.address(), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_THAT(ask(server.port(), "GET", "/metrics"), EndsWith("\r\n\r\nkiln_up 1\n"));
  EXPECT_THAT(ask(server.port(), "GET", "/api/v1/nodes?a=b"), EndsWith("[\"a=b\"]"));
}

TEST(HttpServer, health_says_why_not) {
  HttpHandlers handlers;
  handlers.health = [] { return Status{}; };
  handlers.ready = []() -> Status { return fail(Errc::unavailable, "sockets are not bound"); };
  const auto server = started(std::move(handlers));
  EXPECT_THAT(ask(server.port(), "GET", "/healthz"), StartsWith("HTTP/1.1 200 OK"));
  const auto ready = ask(server.port(), "GET", "/readyz");
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(ready, HasSubstr("sockets are not bound"));
}

TEST(HttpServer, refuses_other_paths_and_methods) {
  const auto server = started(HttpHandlers{});
  EXPECT_THAT(ask(server.port(), "GET", "/metrics"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask(server.port(), "GET", "/../etc/passwd"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask(server.port(), "POST", "/metrics"), StartsWith("HTTP/1.1 405 "));
}

TEST(HttpServer, head_has_no_body) {
  HttpHandlers handlers;
  handlers.metrics = [] { return std::string("kiln_up 1\n"); };
  const auto server = started(std::move(handlers));
  EXPECT_THAT(ask(server.port(), "HEAD", "/metrics"), EndsWith("\r\n\r\n"));
}

TEST(HttpServer, a_page_with_a_tag_is_sent_once) {
  HttpHandlers handlers;
  handlers.pages["/"] = [](const std::string&) {
    HttpReply reply{200, "text/html", "<p>"};
    reply.etag = "\"7\"";
    reply.headers = {{"X-Content-Type-Options", "nosniff"}};
    return reply;
  };
  const auto server = started(std::move(handlers));
  const auto first = ask(server.port(), "GET", "/");
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(first, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(first, HasSubstr("\r\nCache-Control: no-cache\r\nETag: \"7\"\r\n"));
  EXPECT_THAT(first, EndsWith("\r\n\r\n<p>"));
  const auto second = ask(server.port(), "GET", "/", "If-None-Match: \"6\", W/\"7\"\r\n");
  EXPECT_THAT(second, StartsWith("HTTP/1.1 304 Not Modified\r\n"));
  EXPECT_THAT(second, HasSubstr("ETag: \"7\""));
  EXPECT_THAT(second, EndsWith("\r\n\r\n"));
  EXPECT_THAT(ask(server.port(), "GET", "/", "If-None-Match: \"6\"\r\n"), EndsWith("<p>"));
}

TEST(HttpServer, what_has_no_tag_is_not_kept) {
  HttpHandlers handlers;
  handlers.metrics = [] { return std::string("kiln_up 1\n"); };
  const auto server = started(std::move(handlers));
  const auto reply = ask(server.port(), "GET", "/metrics", "If-None-Match: *\r\n");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(reply, HasSubstr("\r\nCache-Control: no-store\r\n"));
}

TEST(HttpServer, an_address_in_use_is_a_clear_error) {
  const auto server = started(HttpHandlers{});
  const auto second = HttpServer::start(server.address(), HttpHandlers{});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::already_exists);
  EXPECT_THAT(second.error().message, HasSubstr(server.address()));
}

TEST(HttpServer, malformed_addresses_are_refused) {
  for (const std::string address : {"127.0.0.1", ":80", "host:80", "127.0.0.1:http",
                                    "127.0.0.1:70000", "", "127.0.0.1:80,8080"}) {
    const auto server = HttpServer::start(address, HttpHandlers{});
    ASSERT_FALSE(server) << address;
    EXPECT_EQ(server.error().code, Errc::invalid_argument) << address;
  }
}

}  // namespace
}  // namespace kiln::metrics
