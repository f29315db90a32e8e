// How a call ended, whoever asked for it.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "client/agent/call_server.h"
#include "client/agent/remote_unit.h"
#include "client/timeline/build_book.h"

namespace kiln::client {

// Which call of which connection. A launcher's only one has the number 0.
struct CallId {
  CallServer::ConnectionId connection = 0;
  std::uint64_t number = 0;
  friend auto operator<=>(const CallId&, const CallId&) = default;
};

struct CallEnd {
  enum class Kind : std::uint8_t {
    done,     // exit code, signal, streams; its outputs are in place
    locally,  // it is for the caller to run
    failed,   // it cannot run anywhere
  };
  Kind kind = Kind::done;
  std::string reason;        // a stable word, when not done
  std::string detail;        // for people
  bool wants_slot = true;    // locally
  bool is_fallback = false;  // locally, though it should have run remotely
  int exit_code = 0;
  int signal = 0;
  std::string out = {};  // also when it failed at a limit
  std::string err = {};
  Duration listing{};
  std::vector<UnitTrace> traces = {};
  BuildBook::JobId job = {};  // as which it is remembered
};
using CallAnswer = std::function<void(CallEnd)>;

}  // namespace kiln::client
