// Sessions: connections of the library, with many calls at once. Decides nothing about a call
// itself; it keeps count, and turns tasks into calls and their ends into results.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>

#include "client/agent/call_end.h"
#include "client/agent/call_server.h"
#include "client/agent/settings.h"
#include "client/paths/root_view.h"
#include "common/wire/messages.h"

namespace kiln::client {

// What a task says about its call beside the call itself.
struct SessionWishes {
  std::string pool;
  std::int32_t priority = 0;
  Limits limits;        // 0: the usual ones
  Duration patience{};  // likewise
  // Nobody waits long for a coordinator or a node that are gone.
  Duration farm_patience = seconds(10);
};

class SessionDesk {
 public:
  using ConnectionId = CallServer::ConnectionId;
  struct Handlers {
    // Starts a call that is answered once, unless it is forgotten before; also from within.
    std::function<void(CallId, wire::Call, SessionWishes, CallAnswer)> begin;
    std::function<void(CallId)> forget;
    std::function<void(ConnectionId, const wire::Message&, wire::Frames, bool last)> send;
  };
  explicit SessionDesk(Handlers handlers) : handlers_(std::move(handlers)) {}

  // Tasks of one session that may be under way.
  static constexpr std::uint32_t kTasks = 4096;

  bool has(ConnectionId connection) const { return sessions_.contains(connection); }
  std::size_t count() const { return sessions_.size(); }

  // A message of one who has a session, or opens one by SessionHello. False: it is not for
  // sessions.
  bool receive(ConnectionId connection, wire::Message& message);
  // The connection is gone: forgets its calls.
  void closed(ConnectionId connection);

 private:
  struct Session {
    RootView root;
    std::set<std::uint64_t> tasks;
  };
  void open(ConnectionId connection, const wire::SessionHello& hello);
  void begin(ConnectionId connection, wire::SessionTask task);
  void cancel(ConnectionId connection, std::uint64_t number);
  void ended(CallId id, CallEnd end);
  void refuse(CallId id, const std::string& reason, const std::string& detail);

  Handlers handlers_;
  std::map<ConnectionId, Session> sessions_;
};

}  // namespace kiln::client
