#include "client/cli/key_help.h"

namespace kiln::client {

std::string_view key_help() {
  return R"(Keys say who may come into a farm: its file `allowed` lists them. Each owner has
a file with the secret half, which never leaves it.

usage: kiln keys ACTION

Where the farm's keys are
  init                make what the farm needs: a key of each role
  new NAME --role R   make a key, allow it, write its file
  allow NAME PUBLIC-KEY --role R
                      let in who made a key elsewhere
  revoke NAME|PUBLIC-KEY
                      do so no more, from the next second on
  list [--json]       all keys, those that were revoked too

Where a client or worker is
  new NAME --role R --out FILE [--coordinator PUBLIC-KEY]...
                      make a key whose secret never leaves this machine
  trust PUBLIC-KEY FILE...
                      put a coordinator's key into key files
  distrust PUBLIC-KEY FILE...
                      take it out

Roles
  client              compile, look, make pools and warm them
  worker              run tasks
  admin               what a client may, and drain, resize, delete
  coordinator         be the farm's coordinator

Options
  --dir DIR           the farm's folder of keys (KILN_KEYS_DIR, /etc/kiln/keys)
  --out FILE          where the new key goes (DIR/NAME.key)

Examples
  kiln keys init --dir /srv/kiln/keys
  kiln keys new laptop --role client
  kiln keys new laptop --role client --out ~/.config/kiln/key.toml
  kiln keys revoke laptop
)";
}

}  // namespace kiln::client
