#include "worker/executor/nursery.h"

#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/base/files.h"
#include "worker/executor/brood.h"
#include "worker/executor/build_identity.h"
#include "worker/forkserver/holder.h"
#include "worker/forkserver/stub_image.h"
#include "worker/sandbox/namespaces.h"
#include "worker/sandbox/probe.h"
#include "worker/sandbox/process.h"
#include "worker/sandbox/signals.h"

namespace kiln::worker {
namespace {

Status become_nursery(const NurserySetup& setup) {
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  // Above 2, see fill_standard_descriptors.
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid() || ::dup2(null.get(), 0) < 0) return fail_errno("cannot use /dev/null", errno);
  if (::chdir("/") != 0) return fail_errno("cannot enter /", errno);
  KILN_TRY(enter_nursery_namespaces(setup.identity));
  if (!die_with_parent(setup.parent)) return fail(Errc::unavailable, "the worker is gone");
  return {};
}

// What a worker was started without would else be given to the first file that is opened.
void fill_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= 2) fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0) ::close(fd);
}

// The scratch directory as tasks will use it.
Result<UniqueFd> open_scratch(const NurserySetup& setup) {
  if (setup.memory_bytes > 0) {
    KILN_TRY(mount_memory_scratch({setup.scratch}, setup.identity, setup.memory_bytes));
  }
  KILN_TRY(probe_sandbox(setup.scratch, setup.identity));
  KILN_TRY(make_directories(ScratchLayout{setup.scratch}.root() / "proc"));
  KILN_TRY(write_stub(ScratchLayout{setup.scratch}.root() / kStubName));
  UniqueFd fd(::open(setup.scratch.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("cannot open " + setup.scratch.string(), errno);
  return fd;
}

Result<NurserySetup> wait_for_setup(Channel& host) {
  pollfd watched{host.fd(), POLLIN, 0};
  while (::poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
  KILN_TRY_ASSIGN(const auto received, host.receive());
  if (!received || received->kind != MessageKind::setup)
    return fail(Errc::corrupt, "the nursery was not told its setup");
  return unpack<NurserySetup>(received->body);
}

Status serve(const std::string& build, Channel& host) {
  if (build != build_identity()) {
    return fail(Errc::version_mismatch, "kiln-nursery is of the build " + build_identity() +
                                            ", kiln-worker of " + build +
                                            "; install both from one build");
  }
  KILN_TRY_ASSIGN(const auto setup, wait_for_setup(host));
  KILN_TRY(become_nursery(setup));
  KILN_TRY_ASSIGN(const auto scratch, open_scratch(setup));
  KILN_TRY(host.send(MessageKind::begun, {}, {scratch.get()}));
  const ScratchLayout layout{setup.scratch};
  Brood(Brood::Owner::nursery, layout, setup.identity, host).serve();
  return {};
}

}  // namespace

void run_nursery(const std::string& build) {
  set_up_signals();
  close_all_but({kNurseryChannel, kNurseryLock});
  fill_standard_descriptors();
  Channel host{UniqueFd(kNurseryChannel)};
  const auto served = serve(build, host);
  if (served) ::_exit(0);
  const BrokenMessage broken{served.error().code, served.error().message};
  static_cast<void>(host.send_packed(MessageKind::broken, broken));
  ::_exit(1);
}

}  // namespace kiln::worker
