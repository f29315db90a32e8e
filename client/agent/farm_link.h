// The agent's connections to its coordinators. The first in the list that answers is asked for
// leases; the others stand by. Without any, the agent lives on what it has.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/auth/key_file.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/net/dealer.h"
#include "common/net/endpoint.h"
#include "common/net/reactor.h"
#include "common/net/silence.h"
#include "common/wire/messages.h"

namespace kiln::client {

struct CoordinatorState {
  std::string endpoint;
  std::string state = "connecting";  // connecting, connected, refused
  std::string reason;
  std::string version;
  bool other_version = false;  // refused, because it speaks another protocol
};

class FarmLink {
 public:
  struct Handlers {
    std::function<void(const wire::Grant&)> grant;
    std::function<void(const wire::Refused&)> refused;
    // A coordinator became usable, or the last one is gone, or all have come to keep us out:
    // requests under way are void.
    std::function<void()> changed;
  };

  FarmLink(net::Reactor& reactor, net::Context& context, Logger log, wire::ClientHello hello,
           Handlers handlers);
  ~FarmLink();

  // `key`: what this client proves who it is with, and knows coordinators by; nothing: it has none.
  // `key_path` is named where that keeps it out. The context's identity is set already.
  Status connect(const std::vector<net::Endpoint>& coordinators,
                 const std::optional<auth::KeyFile>& key, const std::string& key_path);

  // Whether some coordinator has welcomed us.
  bool usable() const { return primary() != nullptr; }
  // Whether every coordinator has said that it does not let us in, with our key or without one:
  // waiting alone does not change that.
  bool kept_out() const;
  // Why not, for people.
  std::string why_not() const;
  std::vector<CoordinatorState> states() const;

  // To the coordinator in use. Errc::unavailable when there is none.
  Status send(const wire::Message& message);
  // Asks the coordinator in use; `make` puts the request's number into its message. An error is
  // its refusal, or comes after 2 s of silence. An agent that has just started connects first.
  using MakeRequest = std::function<wire::Message(std::uint64_t request)>;
  using Answered = std::function<void(Result<wire::Message>)>;
  void ask(MakeRequest make, Answered done);
  // The farm as it sees it.
  void query(std::function<void(Result<wire::FarmStatus>)> done);

 private:
  struct Link {
    CoordinatorState state;
    std::unique_ptr<net::Dealer> dealer;
    bool welcomed = false;
    bool keeps_out = false;  // see kept_out()
    net::SilenceWatch silence;
    TimePoint greeted;  // when it was last said hello to
    Duration heartbeat = seconds(1);
    std::uint32_t missed = 3;
  };
  struct Question {
    MakeRequest make;
    Answered done;
  };

  const Link* primary() const;
  Link* primary();
  void connection_changed(Link& link, bool connected);
  void receive(Link& link, wire::Frames frames);
  void greet(Link& link);
  void refuse(Link& link, const Error& error);
  void rejected(Link& link, net::Rejection rejection);
  std::string why_rejected(net::Rejection rejection) const;
  void beat();
  void lose(Link& link, const std::string& reason);
  void ask_now(const Question& question);
  void answer(std::uint64_t request, Result<wire::Message> message);
  void settled();

  net::Reactor& reactor_;
  net::Context& context_;
  Logger log_;
  wire::ClientHello hello_;
  Handlers handlers_;
  std::optional<auth::KeyFile> key_;
  std::string key_path_;
  std::vector<std::unique_ptr<Link>> links_;
  std::map<std::uint64_t, Answered> asked_;
  std::vector<Question> early_;  // wait for a first connection
  bool settled_ = false;         // connected once, or given up waiting for it
  net::TimerId settle_timer_ = 0;
  std::uint64_t last_question_ = std::uint64_t{1} << 63;  // apart from the numbers of leases'
  std::uint64_t pings_ = 0;
  net::TimerId timer_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // of questions: timers ask whether we are
};

}  // namespace kiln::client
