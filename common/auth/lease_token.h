// Lease tokens: how a worker checks a lease that it was never told of. The coordinator signs every
// lease under a secret that it gives its workers in WorkerWelcome; agents carry the token from the
// one to the other and cannot make or change one.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/model/lease.h"

namespace kiln::auth {

// A fresh random secret of 32 bytes; Errc::internal when the system's random source fails.
Result<std::string> make_lease_secret();

// The token of `lease`: HMAC-SHA-512-256 under `secret` over every field but the token itself.
// REQUIRES: a secret that is not empty.
std::string sign_lease(const Lease& lease, std::string_view secret);

// Whether `lease.token` is what the owner of `secret` signed. Constant time in the token. An empty
// secret verifies nothing.
bool verify_lease(const Lease& lease, std::string_view secret);

}  // namespace kiln::auth
