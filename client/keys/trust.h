// Which coordinators' keys a key file names.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/model/key.h"

namespace kiln::client {

// Puts `coordinator` into the key file `path`. True: it was not there. Errc::invalid_argument for a
// coordinator's own file, or a file's own key.
Result<bool> trust(const std::string& path, const PublicKey& coordinator);

// Takes it out. True: it was there. Errc::invalid_argument when it is the last one, without which
// the file's owner could not come in anywhere.
Result<bool> distrust(const std::string& path, const PublicKey& coordinator);

}  // namespace kiln::client
