#include "common/config/state_directory.h"

#include <cstdlib>

#include <unistd.h>

namespace kiln::config {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string state_directory(const std::string& name, bool as_root, const std::string& state_home,
                            const std::string& home) {
  if (as_root) return "/var/lib/kiln/" + name;
  if (state_home.starts_with('/')) return state_home + "/kiln/" + name;
  return (home.empty() ? "." : home) + "/.local/state/kiln/" + name;
}

std::string state_directory(const std::string& name) {
  return state_directory(name, ::geteuid() == 0, variable("XDG_STATE_HOME"), variable("HOME"));
}

}  // namespace kiln::config
