// Files that decide who is trusted: they are read only where nobody else can have written them,
// made whole or not at all, and changed by one at a time.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln::auth {

// What those who are neither the owner nor root may do with a file.
enum class Others { nothing, read };

// The content of the file. Errc::permission_denied, with what to do, when others may do more with
// it than `others`, or when its owner is neither this user nor root.
Result<std::string> read_private_file(const std::string& path, Others others);

// A new file with mode 0600 from its first byte on, whatever the umask; on the disk when it
// returns. Errc::already_exists when there is anything of that name, which stays as it is.
Status create_private_file(const std::string& path, std::string_view content);

// Replaces the content by what `change` makes of it; readers see the old or the new, never a part.
// Of several that change one file at once, each gets what the one before it left. Mode and group
// stay. Where `change` fails, or gives what there was, the file is not touched. Waits for the
// others up to 30 s, then Errc::timed_out.
Status change_private_file(const std::string& path, Others others,
                           const std::function<Result<std::string>(const std::string&)>& change);

// Makes the directory with mode 0700, and those above it as 0755, both less the umask. One that is
// there stays as it is.
Status make_private_directory(const std::string& path);

// Errc::permission_denied unless `path` is a directory of this user or root in which nobody else
// may write: whoever may, can exchange the files in it.
Status check_private_directory(const std::string& path);

}  // namespace kiln::auth
