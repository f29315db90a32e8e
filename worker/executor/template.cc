#include "worker/executor/template.h"

#include <cerrno>

#include <sys/prctl.h>
#include <unistd.h>

#include "worker/executor/brood.h"
#include "worker/executor/executor_place.h"
#include "worker/sandbox/process.h"

namespace kiln::worker {
namespace {

Status serve(int parent, const CreateMessage& create, const ScratchLayout& layout,
             const Identity& identity, Channel& host) {
  // A session of its own, and with it a process group: see Brood.
  if (::setsid() < 0) return fail_errno("cannot make a session", errno);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (!die_with_parent(parent)) return fail(Errc::unavailable, "the nursery is gone");
  KILN_TRY(enter_executor_place(create.hostname, layout, identity));
  KILN_TRY(host.send(MessageKind::begun));
  Brood(Brood::Owner::template_, layout, identity, host).serve();
  return {};
}

}  // namespace

void run_template(int parent, const CreateMessage& create, const ScratchLayout& layout,
                  const Identity& identity, Channel host) {
  const auto served = serve(parent, create, layout, identity, host);
  if (served) ::_exit(0);
  const BrokenMessage broken{served.error().code, served.error().message};
  static_cast<void>(host.send_packed(MessageKind::broken, broken));
  ::_exit(1);
}

}  // namespace kiln::worker
