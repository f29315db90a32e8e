#include "common/auth/allowed_file.h"

#include <unistd.h>

#include "common/auth/private_file.h"

namespace kiln::auth {
namespace {

constexpr const char* kHead =
    "# Who may come into this farm, a line each: ROLE NAME PUBLIC-KEY SINCE. Written by kiln keys\n"
    "# allow and revoke. The coordinator reads it again when it has changed.\n";

Result<AllowedKeys> parse(const std::string& text, const std::string& path) {
  auto keys = AllowedKeys::parse(text);
  if (!keys) return fail(Errc::corrupt, path + ":" + keys.error().message);
  return keys;
}

// The error of a change may be that something else is not found.
bool is_there(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

Result<AllowedKeys> load_allowed(const std::string& path) {
  KILN_TRY_ASSIGN(const auto text, read_private_file(path, Others::read));
  return parse(text, path);
}

Status change_allowed(const std::string& path, const std::function<Status(AllowedKeys&)>& change) {
  const auto in_text = [&](const std::string& text) -> Result<std::string> {
    KILN_TRY_ASSIGN(AllowedKeys keys, parse(text, path));
    KILN_TRY(change(keys));
    return keys.text();
  };
  auto changed = change_private_file(path, Others::read, in_text);
  if (changed || changed.error().code != Errc::not_found || is_there(path)) return changed;
  auto made = create_private_file(path, kHead);
  if (!made && made.error().code != Errc::already_exists) return made;
  return change_private_file(path, Others::read, in_text);
}

}  // namespace kiln::auth
