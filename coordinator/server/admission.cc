#include "coordinator/server/admission.h"

namespace kiln::coordinator {

std::string_view door_name(Door door) {
  return door == Door::client ? "client" : "worker";
}

std::string_view why_refused(const auth::AllowedKeys& allowed, Door door, const PublicKey& key) {
  const auto* const found = allowed.find(key);
  if (found == nullptr) return "unknown_key";
  if (found->revoked) return "revoked_key";
  const bool is_worker = found->role == KeyRole::worker;
  return is_worker == (door == Door::worker) ? "" : "wrong_role";
}

bool is_admin(const auth::AllowedKeys& allowed, const PublicKey& key) {
  const auto* const found = allowed.find(key);
  return found != nullptr && !found->revoked && found->role == KeyRole::admin;
}

wire::Admissions admissions_of(const auth::AllowedKeys& allowed, std::uint64_t epoch) {
  wire::Admissions admissions;
  admissions.coordinator_epoch = epoch;
  for (const auto& entry : allowed.all()) {
    if (entry.revoked) continue;
    auto& list = entry.role == KeyRole::worker ? admissions.workers : admissions.clients;
    list.push_back(entry.key);
  }
  return admissions;
}

}  // namespace kiln::coordinator
