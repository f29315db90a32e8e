// Who may come in at which door of the coordinator: decided from the farm's keys alone.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/auth/allowed_keys.h"
#include "common/wire/messages.h"

namespace kiln::coordinator {

enum class Door : std::uint8_t { client, worker };

// "client", "worker".
std::string_view door_name(Door door);

// Why the owner of `key` may not come in: unknown_key, revoked_key or wrong_role; empty: he may.
std::string_view why_refused(const auth::AllowedKeys& allowed, Door door, const PublicKey& key);

// Whether the owner of `key` may change what is everybody's.
bool is_admin(const auth::AllowedKeys& allowed, const PublicKey& key);

// What workers are told.
wire::Admissions admissions_of(const auth::AllowedKeys& allowed, std::uint64_t epoch);

}  // namespace kiln::coordinator
