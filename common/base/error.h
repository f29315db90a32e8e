// The one error vocabulary of Kiln. Errors are values; no exception crosses a module border.
#pragma once

#include <string>
#include <string_view>

namespace kiln {

// What kind of thing went wrong; decides what a caller may do about it.
enum class Errc {
  invalid_argument,    // the caller's input is wrong; trying again will not help
  not_found,           // a named thing does not exist
  already_exists,      // a name is taken by something else
  permission_denied,   // the operating system or a rule of Kiln refused
  unavailable,         // a peer cannot be reached now; another may
  timed_out,           // a deadline passed
  cancelled,           // somebody asked for the end
  resource_exhausted,  // a limit (queue, disk, memory, slots) is reached
  corrupt,             // bytes are not what their digest or format says
  version_mismatch,    // the peer speaks another protocol version
  unsupported,         // this machine or build cannot do it
  io,                  // a system call failed in another way
  internal,            // a broken promise inside Kiln: a bug
};

// The stable lower-case name of `code`, as in logs, metrics and JSON: "not_found".
std::string_view name(Errc code);

// The code of that name; Errc::internal when there is none.
Errc errc_of(std::string_view name);

// A failure. The message says what was being done, to what, what went wrong and, where the user can
// act, what to do next. It is a full clause without a final stop.
struct Error {
  Errc code = Errc::internal;
  std::string message;

  // The same failure seen from a caller: "context: message".
  Error within(std::string_view context) const;

  friend bool operator==(const Error&, const Error&) = default;
};

// An Error from errno `number`: "what: No such file or directory", its code chosen from the number.
Error system_error(std::string_view what, int number);

}  // namespace kiln
