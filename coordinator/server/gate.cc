#include "coordinator/server/gate.h"

#include <utility>

#include "common/auth/allowed_file.h"
#include "common/auth/key_file.h"
#include "common/auth/keys.h"

namespace kiln::coordinator {
namespace {

constexpr Duration kLookAgain = seconds(1);

std::string allowed_path(const std::string& directory) {
  return directory + "/allowed";
}

Result<KeyPair> own_keys(const std::string& directory) {
  const auto path = directory + "/coordinator.key";
  KILN_TRY_ASSIGN(auto file, auth::read_key_file(path));
  if (file.role == KeyRole::coordinator) return file.keys;
  return fail(Errc::invalid_argument, path + ": it is the key of a " +
                                          std::string(role_name(file.role)) +
                                          "; a coordinator needs one of its own role");
}

}  // namespace

Gate::Gate(net::Reactor& reactor, ThreadPool& disk, Logger log, std::string directory, Hooks hooks)
    : reactor_(reactor),
      disk_(disk),
      log_(std::move(log)),
      directory_(std::move(directory)),
      hooks_(std::move(hooks)) {}

Gate::~Gate() {
  reactor_.cancel(timer_);
}

Result<std::unique_ptr<Gate>> Gate::open(net::Reactor& reactor, net::Context& context,
                                         ThreadPool& disk, const Logger& log,
                                         const std::string& directory, Hooks hooks) {
  std::unique_ptr<Gate> gate(new Gate(reactor, disk, log, directory, std::move(hooks)));
  KILN_TRY_ASSIGN(const auto own, own_keys(directory));
  context.set_identity(own);
  KILN_TRY_ASSIGN(gate->allowed_, auth::load_allowed(allowed_path(directory)));
  Gate* const raw = gate.get();
  KILN_TRY_ASSIGN(gate->keeper_,
                  net::Gatekeeper::open(reactor, context, [raw](const net::Visitor& visitor) {
                    return raw->admit(visitor);
                  }));
  raw->timer_ = reactor.call_after(kLookAgain, [raw] { raw->look_again(); });
  return gate;
}

bool Gate::admits(Door door, const PublicKey& key) const {
  return why_refused(allowed_, door, key).empty();
}

bool Gate::admit(const net::Visitor& visitor) {
  const auto door = visitor.domain == door_name(Door::worker) ? Door::worker : Door::client;
  const auto reason = why_refused(allowed_, door, visitor.key);
  if (!reason.empty()) refuse(visitor, door, reason);
  return reason.empty();
}

// Who is kept out tries again each second, so that is not written down each time.
void Gate::refuse(const net::Visitor& visitor, Door door, std::string_view reason) {
  hooks_.refused(door, reason);
  const auto now = reactor_.now();
  if (now - logged_refusal_ < seconds(1)) return;
  logged_refusal_ = now;
  const auto* const known = allowed_.find(visitor.key);
  log_.warning("connection_refused", {{"door", door_name(door)},
                                      {"reason", reason},
                                      {"address", visitor.address},
                                      {"key", auth::key_text(visitor.key)},
                                      {"name", known == nullptr ? "" : known->name}});
}

void Gate::look_again() {
  const auto found = std::make_shared<Result<auth::AllowedKeys>>();
  reactor_.offload(
      disk_, [found, path = allowed_path(directory_)] { *found = auth::load_allowed(path); },
      [this, alive = std::weak_ptr<int>(alive_), found] {
        if (alive.expired()) return;
        looked(std::move(*found));
        timer_ = reactor_.call_after(kLookAgain, [this] { look_again(); });
      });
}

void Gate::looked(Result<auth::AllowedKeys> found) {
  const std::string problem = found ? "" : found.error().message;
  const bool is_news = std::exchange(problem_, problem) != problem;
  if (!found) {
    if (is_news) log_.error("keys_not_read", {{"error", found.error()}});
    return;
  }
  if (found->all() == allowed_.all()) return;
  allowed_ = std::move(*found);
  log_.info("keys_changed", {{"keys", allowed_.all().size()}});
  hooks_.changed();
}

}  // namespace kiln::coordinator
