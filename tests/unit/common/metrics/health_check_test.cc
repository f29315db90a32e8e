#include "common/metrics/health_check.h"

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/unique_fd.h"
#include "common/metrics/http_server.h"

namespace kiln::metrics {
namespace {

using testing::HasSubstr;

TEST(HealthCheck, tells_what_the_server_says_of_itself) {
  std::atomic<bool> ready = false;
  HttpHandlers handlers;
  handlers.ready = [&]() -> Status {
    if (ready) return {};
    return fail(Errc::unavailable, "no coordinator");
  };
  const auto server = HttpServer::start("127.0.0.1:0", std::move(handlers));
  ASSERT_TRUE(server) << server.error().message;
  const auto unready = check_health(server->address(), "/readyz", seconds(10));
  ASSERT_FALSE(unready);
  EXPECT_THAT(unready.error().message, testing::EndsWith(": no coordinator"));
  ready = true;
  EXPECT_TRUE(check_health(server->address(), "/readyz", seconds(10)));
  EXPECT_TRUE(check_health("0.0.0.0:" + std::to_string(server->port()), "/readyz", seconds(10)));
}

// A listener that never accepts: the kernel connects, and nobody answers.
TEST(HealthCheck, a_server_that_does_not_answer_in_time_is_not_healthy) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  const auto where = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const auto silent = check_health(where, "/healthz", milliseconds(50));
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Errc::unavailable);
  EXPECT_THAT(silent.error().message, HasSubstr(where));
}

TEST(HealthCheck, names_an_address_that_it_cannot_ask) {
  for (const auto* address : {"", "127.0.0.1", "somewhere:80"}) {
    const auto wrong = check_health(address, "/healthz", seconds(10));
    ASSERT_FALSE(wrong) << address;
    EXPECT_THAT(wrong.error().message, HasSubstr("not a numeric address"));
  }
}

}  // namespace
}  // namespace kiln::metrics
