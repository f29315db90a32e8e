// The agent's end of the library's connections, in the test's own thread: it hears and says what
// the test wants.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "client/library/core.h"
#include "common/wire/stream.h"

namespace kiln::v1 {

class FakeAgents {
 public:
  // Of every session that is opened from now on.
  std::uint32_t tasks = 4096;
  bool refuses = false;

  // For Core::Setup::open.
  kiln::Result<OpenedSession> open() {
    const std::lock_guard lock(mutex_);
    if (refuses) return fail(Errc::unavailable, "no agent today");
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    struct timeval limit {};
    limit.tv_sec = 20;
    ::setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    fd_.reset(ends[1]);
    ++opened_;
    changed_.notify_all();
    return OpenedSession{UniqueFd(ends[0]), tasks};
  }
  bool wait_opened(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(20), [&] { return opened_ >= count; });
  }

  // The next message of that kind; others that come before it are a failure.
  template <typename Kind>
  Kind next() {
    auto envelope = wire::receive_message(fd_.get());
    if (!envelope) {
      ADD_FAILURE() << envelope.error().message;
      return {};
    }
    if (auto* message = std::get_if<Kind>(&envelope->message)) return std::move(*message);
    ADD_FAILURE() << "not " << wire::kind_name(envelope->message);
    return {};
  }
  // Whether nothing has come that was not heard.
  bool heard_all() const {
    char byte = 0;
    return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
  }
  void say(const wire::Message& message, const wire::Frames& raw = {}) {
    EXPECT_TRUE(wire::send_message(fd_.get(), message, raw));
  }
  void exit_with(std::uint64_t number, int code, const std::string& out = "",
                 const std::string& err = "") {
    wire::SessionResult result;
    result.number = number;
    result.outcome = "exited";
    result.exit_code = code;
    result.node = "w1";
    say(result, {out, err});
  }
  void fail_with(std::uint64_t number, const std::string& reason, const std::string& out = "") {
    wire::SessionResult result;
    result.number = number;
    result.outcome = "failed";
    result.reason = reason;
    say(result, {out, ""});
  }
  void die() { fd_.reset(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  UniqueFd fd_;
  int opened_ = 0;
};

}  // namespace kiln::v1
