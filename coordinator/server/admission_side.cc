// Who may come in, and what he may do, where the farm has keys.
#include <algorithm>
#include <array>

#include "common/net/endpoint.h"
#include "common/wire/codec.h"
#include "coordinator/server/server.h"

namespace kiln::coordinator {
namespace {

// What takes something away from others, and what gives it back, and the levels of logs; making a
// pool and warming it does not.
constexpr std::array<std::string_view, 6> kOfAdmins = {"delete", "resize", "quiesce",
                                                       "drain",  "resume", "change"};

bool is_at(const std::string& address, const std::optional<PublicKey>& key) {
  const auto endpoint = net::parse_endpoint(address, 0);
  return endpoint && endpoint->key == key;
}

}  // namespace

Status Server::open_gate(net::Context& context) {
  if (options_.keys.empty()) return {};
  Gate::Hooks hooks;
  hooks.changed = [this] { admissions_changed(); };
  hooks.refused = [this](Door door, std::string_view reason) {
    metrics_.connection_refused(door_name(door), reason);
  };
  auto gate = Gate::open(reactor_, context, encoder_, logs_.keys, options_.keys, std::move(hooks));
  if (!gate) return fail(gate.error().within("--keys"));
  gate_ = std::move(*gate);
  return {};
}

// Workers hear of it before the peers are cut off, so that nobody finds an open door elsewhere.
void Server::admissions_changed() {
  for (const auto& worker : worker_sessions_.peers()) send_admissions(worker);
  const auto farewell =
      wire::encode(wire::Refused{0, std::string(name(Errc::permission_denied)),
                                 "the key of this connection is not allowed any more"});
  clients_->review(farewell);
  workers_->review(farewell);
}

void Server::send_admissions(const net::PeerId& worker) {
  if (gate_) send(*workers_, worker, admissions_of(gate_->allowed(), options_.scheduling.epoch));
}

// Agents connect to the addresses under the keys that stand in them: nobody may offer another's.
Status Server::check_keys(const net::PeerId& peer, const NodeInfo& node) const {
  if (!gate_) return {};
  const auto key = workers_->key_of(peer);
  if (is_at(node.task_address, key) && is_at(node.bulk_address, key)) return {};
  return fail(Errc::permission_denied, "the worker \"" + node.name +
                                           "\" announces addresses under another key than that of "
                                           "its connection");
}

Status Server::check_admin(const net::PeerId& peer, std::string_view action,
                           std::string_view what) const {
  if (!gate_) return {};
  if (std::find(kOfAdmins.begin(), kOfAdmins.end(), action) == kOfAdmins.end()) return {};
  const auto key = clients_->key_of(peer);
  if (key && is_admin(gate_->allowed(), *key)) return {};
  return fail(Errc::permission_denied, "to " + std::string(action) + " " + std::string(what) +
                                           " takes the key of an administrator");
}

}  // namespace kiln::coordinator
