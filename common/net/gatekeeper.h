// Decides who may connect to the Routers of a context that has an identity: ZeroMQ's authentication
// protocol (rfc.zeromq.org/spec/27), whose questions are answered on the reactor's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/model/key.h"
#include "common/net/context.h"
#include "common/net/reactor.h"

namespace kiln::net {

struct Visitor {
  std::string domain;   // of the Router, see SocketOptions
  std::string address;  // where it comes from; without a port
  PublicKey key;        // which it has proved to own
};

class Gatekeeper {
 public:
  // One per context, before its first Router is bound. `admit` is asked once for each
  // connection; who is not admitted is told so and gone. `reactor` and `context` must outlive it.
  static Result<std::unique_ptr<Gatekeeper>> open(Reactor& reactor, Context& context,
                                                  std::function<bool(const Visitor&)> admit);
  ~Gatekeeper();
  Gatekeeper(const Gatekeeper&) = delete;
  Gatekeeper& operator=(const Gatekeeper&) = delete;

 private:
  struct State;
  explicit Gatekeeper(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kiln::net
