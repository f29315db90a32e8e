#include "common/net/relay_connection.h"

#include <algorithm>
#include <utility>

namespace kiln::net {
namespace {

constexpr Duration kShortestPause = milliseconds(10);
constexpr Duration kLongestPause = milliseconds(500);
// A stream that is not taken within this time is tried through another coordinator.
constexpr Duration kTaken = seconds(2);

// A worker that has lost its coordinator tries each 2 s at the latest.
constexpr Duration kWorkerComesBack = seconds(4);
// All of them at once, to a coordinator that has just been started.
constexpr Duration kWorkersComeBack = seconds(8);
// As long as workers keep the tasks and results of an agent that is silent.
constexpr Duration kCoordinatorComesBack = seconds(15);

}  // namespace

RelayConnection::RelayConnection(Reactor& reactor, std::vector<RelayTrunk*> trunks, Target target)
    : reactor_(reactor),
      trunks_(std::move(trunks)),
      target_(std::move(target)),
      lost_(reactor.now()),
      pause_(kShortestPause) {
  timer_ = reactor_.call_after(Duration(0), [this] {
    timer_ = 0;
    try_next();
  });
}

RelayConnection::~RelayConnection() {
  reactor_.cancel(timer_);
  if (stream_ != 0) trunk_->mux().close(stream_, {Errc::cancelled, "the agent has ended it"});
}

// The first coordinator that is there from the next on, so that one that does not reach the worker
// is not asked again before the others.
void RelayConnection::try_next() {
  for (std::size_t step = 0; step < trunks_.size(); ++step) {
    RelayTrunk& trunk = *trunks_[next_];
    next_ = (next_ + 1) % trunks_.size();
    if (!trunk.connected()) continue;
    begin(trunk);
    if (stream_ != 0) return;
  }
  try_later();
}

void RelayConnection::begin(RelayTrunk& trunk) {
  RelayMux::Ears ears;
  ears.opened = [this] { opened(); };
  ears.message = [this](wire::Frames frames) {
    if (message_) message_(std::move(frames));
  };
  ears.closed = [this](const Error&) { closed(); };
  trunk_ = &trunk;
  stream_ =
      trunk.mux().open(target_.worker, target_.worker_epoch, target_.channel, std::move(ears));
  if (stream_ == 0) return;
  timer_ = reactor_.call_after(kTaken, [this] {
    timer_ = 0;
    trunk_->mux().close(stream_, {Errc::timed_out, "the worker did not take it"});
    stream_ = 0;
    try_next();
  });
}

void RelayConnection::opened() {
  reactor_.cancel(std::exchange(timer_, 0));
  pause_ = kShortestPause;
  connected_ = true;
  if (state_) state_(true);
}

void RelayConnection::closed() {
  reactor_.cancel(std::exchange(timer_, 0));
  stream_ = 0;
  try_later();
  if (!std::exchange(connected_, false)) return;
  lost_ = reactor_.now();
  if (state_) state_(false);
}

void RelayConnection::try_later() {
  timer_ = reactor_.call_after(pause_, [this] {
    timer_ = 0;
    try_next();
  });
  pause_ = std::min(2 * pause_, kLongestPause);
}

Status RelayConnection::send(wire::Frames frames) {
  if (!connected_) return fail(Errc::unavailable, "send to a peer: not connected");
  return trunk_->mux().send(stream_, frames);
}

Duration RelayConnection::patience() const {
  auto reached = TimePoint::max();
  for (const auto* trunk : trunks_) {
    if (trunk->connected()) reached = std::min(reached, trunk->connected_since());
  }
  if (reached == TimePoint::max()) return kCoordinatorComesBack;
  if (reached <= lost_) return kWorkerComesBack;
  return std::min(reached - lost_ + kWorkersComeBack, kCoordinatorComesBack);
}

}  // namespace kiln::net
