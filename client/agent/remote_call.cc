#include "client/agent/remote_call.h"

#include <utility>

namespace kiln::client {

RemoteCall::RemoteCall(FarmAccess& farm, Prepared prepared, const CallSettings& settings)
    : farm_(farm), prepared_(std::move(prepared)), settings_(settings) {}

void RemoteCall::start(Done done) {
  done_ = std::move(done);
  next();
}

void RemoteCall::next() {
  auto unit = std::make_shared<const PreparedUnit>(std::move(prepared_.units[at_]));
  ++at_;
  unit_ = std::make_unique<RemoteUnit>(farm_, std::move(unit), settings_);
  unit_->start([this](UnitOutcome outcome) { ended(std::move(outcome)); });
}

void RemoteCall::ended(UnitOutcome outcome) {
  traces_.push_back(outcome.trace);
  if (outcome.kind == Step::Kind::done) {
    total_.out += outcome.out;
    total_.err += outcome.err;
    total_.missing_outputs = std::move(outcome.missing_outputs);
    if (outcome.exit_code != 0) total_.exit_code = outcome.exit_code;
    if (outcome.signal != 0) total_.signal = outcome.signal;
    if (at_ < prepared_.units.size() && outcome.signal == 0) {
      // The unit that just ended is still on the stack.
      return farm_.reactor.defer([this, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) next();
      });
    }
  } else {
    total_ = std::move(outcome);
  }
  auto done = std::move(done_);
  done(std::move(total_), std::move(traces_));
}

}  // namespace kiln::client
