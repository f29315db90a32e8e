// Turning a reactor until something has happened.
#pragma once

#include <functional>
#include <memory>

#include "common/net/reactor.h"

namespace kiln::client {

// False after 10 s.
inline bool turn_until(net::Reactor& reactor, const std::function<bool()>& condition,
                       Duration limit = seconds(10)) {
  const TimePoint deadline = reactor.now() + limit;
  bool met = false;
  const std::function<void()> look = [&] {
    met = condition();
    if (met || reactor.now() >= deadline) return reactor.stop();
    reactor.call_after(milliseconds(1), look);
  };
  look();
  reactor.run();
  return met;
}

}  // namespace kiln::client
