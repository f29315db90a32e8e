// The file `allowed` in a farm's folder of keys.
#pragma once

#include <functional>
#include <string>

#include "common/auth/allowed_keys.h"
#include "common/base/result.h"

namespace kiln::auth {

// Reads a disk. Errc::not_found when there is none; Errc::permission_denied when others than its
// owner may write it, or it is neither this user's nor root's; Errc::corrupt, "allowed:3: …", when
// a line cannot be read: then nothing of it counts, and whoever had read it before keeps what he
// had.
Result<AllowedKeys> load_allowed(const std::string& path);

// Makes the file where there is none; see change_private_file for what happens at once. The error
// of `change` is passed on, and the file then stays as it was.
Status change_allowed(const std::string& path, const std::function<Status(AllowedKeys&)>& change);

}  // namespace kiln::auth
