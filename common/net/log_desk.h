// A process' answers to those who look at its log's levels or change them, and to SIGHUP.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/log.h"
#include "common/base/log_control.h"
#include "common/base/result.h"
#include "common/net/reactor.h"
#include "common/wire/messages.h"

namespace kiln::net {

class LogDesk {
 public:
  // Used on the reactor's thread, which outlives it.
  LogDesk(Reactor& reactor, const Logger& log) : reactor_(reactor), log_(log), control_(log) {}
  ~LogDesk();
  LogDesk(const LogDesk&) = delete;
  LogDesk& operator=(const LogDesk&) = delete;

  // Makes the change, if there is one, which the log tells with `by`: who wants it.
  // Errc::invalid_argument: the levels cannot be read.
  Result<wire::LogState> serve(const wire::LogChange& change, std::string_view by);

 private:
  void arm();

  Reactor& reactor_;
  Logger log_;
  LogControl control_;
  TimerId timer_ = 0;
};

// For SIGHUP, which says that somebody has moved the log's file away.
void reopen_log(const Logger& log);

}  // namespace kiln::net
