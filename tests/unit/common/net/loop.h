// A reactor driven by a test: runs until something holds, with a deadline.
#pragma once

#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "common/net/reactor.h"

namespace kiln::net {

inline constexpr const char* kAnyPort = "tcp://127.0.0.1:0";

class Loop {
 public:
  Loop() : reactor_(std::move(*Reactor::create())) {}

  Reactor& operator*() { return *reactor_; }
  Reactor* operator->() { return reactor_.get(); }

  // Whether `holds` came to hold within 20 s.
  bool run_until(const std::function<bool()>& holds) {
    bool held = false;
    const TimePoint deadline = reactor_->now() + seconds(20);
    std::function<void()> look = [&] {
      held = holds();
      if (held || reactor_->now() > deadline) return reactor_->stop();
      timer_ = reactor_->call_after(milliseconds(1), look);
    };
    look();
    reactor_->run();
    return held;
  }

 private:
  std::unique_ptr<Reactor> reactor_;
  TimerId timer_ = 0;
};

}  // namespace kiln::net
