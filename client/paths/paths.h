// Where a user's agent and launchers meet, and where the agent keeps its files. Launcher and agent
// both ask here, so that they cannot disagree.
#pragma once

#include <string>

#include <sys/types.h>

#include "client/paths/environment.h"
#include "common/base/result.h"

namespace kiln::client {

// The agent's socket: $KILN_SOCKET, else $XDG_RUNTIME_DIR/kiln/agent.sock when that directory is
// the user's own, else /tmp/kiln-UID/agent.sock. Makes the directory that holds it (but not for
// KILN_SOCKET). Never in a home, which may be on NFS.
// Errc::permission_denied when the directory belongs to someone else or others may enter it;
// Errc::invalid_argument when KILN_SOCKET is relative or too long for a socket address.
Result<std::string> socket_path(const Environment& environment, uid_t user);

// The user's own directory under `parent` ("/tmp"): made with mode 0700 when it is absent,
// Errc::permission_denied unless it is a real directory of `user` that nobody else may enter.
Result<std::string> private_directory(const std::string& parent, const std::string& name,
                                      uid_t user);

// Where the agent caches what it found (toolchains, listings): $KILN_CACHE_DIR, else
// $XDG_CACHE_HOME/kiln, else ~/.cache/kiln, else /tmp/kiln-UID/cache. Not created here, but for the
// last one's parent. Errc::invalid_argument when KILN_CACHE_DIR is relative.
Result<std::string> cache_directory(const Environment& environment, uid_t user);

// The file whose lock launchers hold while they start an agent: "<socket>.lock".
std::string start_lock_path(const std::string& socket);

}  // namespace kiln::client
