// Whom the worker lets in, where the farm has keys.
#include <utility>

#include "common/auth/keys.h"
#include "common/wire/codec.h"
#include "worker/server/worker.h"

namespace kiln::worker {

Status Worker::open_gate() {
  context_ = std::make_unique<net::Context>();
  if (!options_.key) return {};
  context_->set_identity(options_.key->keys);
  options_.advertise.key = options_.key->keys.public_key;
  KILN_TRY_ASSIGN(gatekeeper_,
                  net::Gatekeeper::open(*reactor_, *context_, [this](const net::Visitor& visitor) {
                    return admit(visitor);
                  }));
  return {};
}

// One that was allowed a moment ago may come before the coordinator's word of it; it tries again.
bool Worker::admit(const net::Visitor& visitor) {
  const bool admitted =
      visitor.domain == kTaskDoor ? guests_.may_run(visitor.key) : guests_.may_fetch(visitor.key);
  if (admitted) return true;
  metrics_->connection_refused(visitor.domain);
  const auto now = reactor_->now();
  if (now - std::exchange(logged_refusal_, now) < seconds(1)) return false;
  logs_.keys.warning("connection_refused", {{"door", visitor.domain},
                                            {"address", visitor.address},
                                            {"key", auth::key_text(visitor.key)}});
  return false;
}

void Worker::admitted(const std::string& coordinator, const wire::Admissions& admissions) {
  guests_.set(coordinator, admissions);
  const auto farewell =
      wire::encode(wire::Refused{0, std::string(name(Errc::permission_denied)),
                                 "the key of this connection is not allowed any more"});
  tasks_->review(farewell);
  bulk_->review(farewell);
}

}  // namespace kiln::worker
