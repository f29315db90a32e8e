#include "client/agent/farm_link.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/auth/keys.h"
#include "common/wire/codec.h"

namespace kiln::client {
namespace {

// How long questions about the farm wait for an agent's first connection.
constexpr Duration kSettle = seconds(1);
constexpr Duration kShortestHeartbeat = milliseconds(10);
// A coordinator that forgot us (we were silent for long: a suspended machine) is greeted again, but
// not more often than this.
constexpr Duration kGreetAgain = seconds(2);

}  // namespace

FarmLink::FarmLink(net::Reactor& reactor, net::Context& context, Logger log,
                   wire::ClientHello hello, Handlers handlers)
    : reactor_(reactor),
      context_(context),
      log_(std::move(log)),
      hello_(std::move(hello)),
      handlers_(std::move(handlers)) {}

FarmLink::~FarmLink() {
  if (timer_ != 0) reactor_.cancel(timer_);
  if (settle_timer_ != 0) reactor_.cancel(settle_timer_);
}

Status FarmLink::connect(const std::vector<net::Endpoint>& coordinators,
                         const std::optional<auth::KeyFile>& key, const std::string& key_path) {
  net::SocketOptions options;
  if (key) {
    key_ = *key;
    key_path_ = key_path;
    options.peer_keys = key->coordinators;
  }
  for (const auto& endpoint : coordinators) {
    auto dealer = net::Dealer::connect(reactor_, context_, endpoint.text(), options);
    if (!dealer) return fail(dealer.error().within("KILN_COORDINATOR"));
    auto link = std::make_unique<Link>();
    link->state.endpoint = endpoint.text();
    link->dealer = std::move(*dealer);
    auto* raw = link.get();
    raw->dealer->on_state([this, raw](bool connected) { connection_changed(*raw, connected); });
    raw->dealer->on_message([this, raw](wire::Frames frames) { receive(*raw, std::move(frames)); });
    links_.push_back(std::move(link));
    if (raw->dealer->connected()) connection_changed(*raw, true);
  }
  settle_timer_ = reactor_.call_after(kSettle, [this] {
    settle_timer_ = 0;
    settled();
  });
  beat();
  return {};
}

const FarmLink::Link* FarmLink::primary() const {
  const auto found =
      std::find_if(links_.begin(), links_.end(), [](const auto& link) { return link->welcomed; });
  return found == links_.end() ? nullptr : found->get();
}

FarmLink::Link* FarmLink::primary() {
  return const_cast<Link*>(static_cast<const FarmLink*>(this)->primary());
}

bool FarmLink::kept_out() const {
  return !links_.empty() && std::all_of(links_.begin(), links_.end(),
                                        [](const auto& link) { return link->keeps_out; });
}

std::string FarmLink::why_not() const {
  if (usable()) return "";
  std::string text;
  for (const auto& link : links_) {
    if (!text.empty()) text += "; ";
    text += link->state.endpoint + ": " +
            (link->state.reason.empty() ? "no answer yet" : link->state.reason);
  }
  return text.empty() ? "no coordinator is configured; set KILN_COORDINATOR" : text;
}

std::vector<CoordinatorState> FarmLink::states() const {
  std::vector<CoordinatorState> all;
  for (const auto& link : links_) all.push_back(link->state);
  return all;
}

Status FarmLink::send(const wire::Message& message) {
  Link* link = primary();
  if (link == nullptr) return fail(Errc::unavailable, why_not());
  return link->dealer->send(wire::encode(message));
}

void FarmLink::query(std::function<void(Result<wire::FarmStatus>)> done) {
  ask([](std::uint64_t request) { return wire::FarmQuery{request}; },
      [done = std::move(done)](Result<wire::Message> answer) {
        if (!answer) return done(fail(answer.error()));
        auto* status = std::get_if<wire::FarmStatus>(&*answer);
        if (status == nullptr) return done(fail(Errc::corrupt, "an answer of another kind"));
        done(std::move(*status));
      });
}

void FarmLink::ask(MakeRequest make, Answered done) {
  Question question{std::move(make), std::move(done)};
  if (settled_) return ask_now(question);
  early_.push_back(std::move(question));
}

void FarmLink::settled() {
  settled_ = true;
  for (const auto& question : std::exchange(early_, {})) ask_now(question);
}

void FarmLink::ask_now(const Question& question) {
  const std::uint64_t request = ++last_question_;
  if (const auto sent = send(question.make(request)); !sent)
    return question.done(fail(sent.error()));
  asked_.emplace(request, question.done);
  reactor_.call_after(seconds(2), [this, alive = std::weak_ptr<int>(alive_), request] {
    if (alive.expired()) return;
    answer(request, fail(Errc::timed_out, "the coordinator did not answer within 2 s"));
  });
}

void FarmLink::answer(std::uint64_t request, Result<wire::Message> message) {
  if (auto node = asked_.extract(request)) node.mapped()(std::move(message));
}

void FarmLink::connection_changed(Link& link, bool connected) {
  if (!connected) {
    const auto rejection = link.dealer->rejection();
    lose(link, "no connection");
    if (rejection) rejected(link, *rejection);
    return;
  }
  link.silence.heard(reactor_.now());
  link.keeps_out = false;
  link.state.other_version = false;
  greet(link);
}

void FarmLink::rejected(Link& link, net::Rejection rejection) {
  refuse(link, {Errc::permission_denied, why_rejected(rejection)});
  // One that ends before it has shaken hands looks like one with another key: it may be restarting.
  link.keeps_out = rejection != net::Rejection::no_handshake;
  if (kept_out()) handlers_.changed();
}

std::string FarmLink::why_rejected(net::Rejection rejection) const {
  // Who meets a coordinator with keys without one is hung up on, sometimes before he can read why.
  if (!key_) {
    return "it lets in who has a key, and this client has none; put its key file at "
           "~/.config/kiln/key.toml or name it in KILN_KEY_FILE, then: kiln agent stop";
  }
  switch (rejection) {
    case net::Rejection::not_allowed:
      return "it does not let the key of " + key_path_ +
             " in; on the coordinator: kiln keys allow " + key_->name + " " +
             auth::key_text(key_->keys.public_key) + " --role " +
             std::string(role_name(key_->role));
    case net::Rejection::other_mechanism:
      return "it has no keys, and this client has one (" + key_path_ + ")";
    case net::Rejection::no_handshake:
      return "its key is none of those that " + key_path_ +
             " knows coordinators by; kiln keys trust adds one";
  }
  return "";
}

void FarmLink::greet(Link& link) {
  link.greeted = reactor_.now();
  const auto sent = link.dealer->send(wire::encode(hello_));
  if (!sent)
    log_.warning("message_not_sent", {{"endpoint", link.state.endpoint}, {"error", sent.error()}});
}

void FarmLink::lose(Link& link, const std::string& reason) {
  const bool was = std::exchange(link.welcomed, false);
  link.keeps_out = false;
  link.state.state = "connecting";
  link.state.reason = reason;
  if (!was) return;
  log_.warning("coordinator_lost", {{"endpoint", link.state.endpoint}, {"reason", reason}});
  handlers_.changed();
}

// It will say the same at every hello, so it is written down once.
void FarmLink::refuse(Link& link, const Error& error) {
  const bool is_news = link.state.state != "refused" || link.state.reason != error.message;
  link.state.state = "refused";
  link.state.reason = error.message;
  link.state.other_version = error.code == Errc::version_mismatch;
  if (is_news)
    log_.error("refused_by_coordinator", {{"endpoint", link.state.endpoint}, {"reason", error}});
}

void FarmLink::receive(Link& link, wire::Frames frames) {
  auto envelope = wire::decode(std::move(frames));
  link.silence.heard(reactor_.now());
  if (!envelope) {
    // A refusal by another version cannot be read, but its version can.
    if (!link.welcomed) return refuse(link, envelope.error());
    return log_.warning("message_unreadable",
                        {{"endpoint", link.state.endpoint}, {"error", envelope.error()}});
  }
  if (const auto* welcome = std::get_if<wire::ClientWelcome>(&envelope->message)) {
    link.heartbeat = std::max<Duration>(milliseconds(welcome->heartbeat_ms), kShortestHeartbeat);
    link.missed = welcome->missed_heartbeats;
    link.state = {link.state.endpoint, "connected", "", welcome->version, false};
    if (!std::exchange(link.welcomed, true)) handlers_.changed();
    if (!settled_) settled();
  } else if (const auto* grant = std::get_if<wire::Grant>(&envelope->message)) {
    handlers_.grant(*grant);
  } else if (const auto* refused = std::get_if<wire::Refused>(&envelope->message)) {
    // Of a question: what was not found may be what it asked about.
    if (asked_.count(refused->request) != 0)
      return answer(refused->request, fail(errc_of(refused->code), refused->reason));
    const bool forgot = refused->code == name(Errc::not_found) && link.welcomed &&
                        reactor_.now() - link.greeted > kGreetAgain;
    if (forgot) {
      lose(link, refused->reason);
      return greet(link);
    }
    if (refused->request != 0) return handlers_.refused(*refused);
    refuse(link, Error{errc_of(refused->code), refused->reason});
    // A key that was revoked: the coordinator hears this connection no more.
    if (refused->code == name(Errc::permission_denied)) link.dealer->restart();
  } else if (const auto* status = std::get_if<wire::FarmStatus>(&envelope->message)) {
    const auto request = status->request;
    answer(request, std::move(envelope->message));
  } else if (const auto* changed = std::get_if<wire::NodeChanged>(&envelope->message)) {
    answer(changed->request, wire::Message(*changed));
  } else if (const auto* log = std::get_if<wire::LogState>(&envelope->message)) {
    answer(log->request, wire::Message(*log));
  } else if (const auto* pools = std::get_if<wire::PoolAnswer>(&envelope->message)) {
    const auto request = pools->request;
    answer(request, std::move(envelope->message));
  }
}

// A coordinator whose machine vanished closes no connection: silence counts too.
void FarmLink::beat() {
  Duration next = seconds(1);
  const TimePoint now = reactor_.now();
  for (const auto& link : links_) {
    link->silence.beat(now);
    if (!link->dealer->connected()) continue;
    next = std::min(next, link->heartbeat);
    if (link->welcomed && link->silence.silence(now) > (link->missed + 1) * link->heartbeat)
      lose(*link, "silent");
    if (!link->welcomed) {
      // Another version stays one until the connection is made anew; then it may be updated.
      if (!link->state.other_version) greet(*link);
      continue;
    }
    const auto sent = link->dealer->send(wire::encode(wire::Ping{++pings_}));
    if (!sent)
      log_.debug("message_not_sent", {{"endpoint", link->state.endpoint}, {"error", sent.error()}});
  }
  timer_ = reactor_.call_after(next, [this] { beat(); });
}

}  // namespace kiln::client
