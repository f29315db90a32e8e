// The worker's end of a stub's socket.
#pragma once

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "worker/sandbox/command.h"

namespace kiln::worker {

// Of one held process. After an error nothing that it says can be relied on.
class StubClient {
 public:
  explicit StubClient(UniqueFd socket) : socket_(std::move(socket)) {}

  // Hangs up when the held process is gone.
  int fd() const { return socket_.get(); }

  // Waits until the program's constructors have run. Errc::timed_out; Errc::unavailable: it ended;
  // Errc::unsupported: they did what a fork cannot repeat.
  Status wait_hello(TimePoint deadline);

  // Has a process forked that goes on as `spec`'s program would after exec; but its root is the one
  // that the held process has now, `spec.identity` is the held process's, and a message tells what
  // could not be set up. The process is a child of its namespace's init, not of the held one.
  Result<StartedCommand> start(const CommandSpec& spec, TimePoint deadline);

 private:
  Status send_request(const CommandSpec& spec);

  UniqueFd socket_;
};

}  // namespace kiln::worker
