// Lets calls through only with a toolchain that has proved itself: a probe compile on a worker must
// equal the local one. Once per toolchain; the verdict is remembered.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/agent/prepare.h"
#include "client/agent/remote_call.h"
#include "client/toolchain/probe.h"

namespace kiln::client {

class ProbeDesk {
 public:
  // Ok: go on. Errc::unsupported: the toolchain is refused, with what differed. Anything else: the
  // probe could not be made now.
  using Done = std::function<void(Status)>;

  // `scratch`: where probe sources are made. All of it outlives the desk.
  ProbeDesk(FarmAccess& farm, ThreadPool& work, Preparer& preparer, std::filesystem::path scratch);
  ~ProbeDesk();

  // Asks for the toolchain of `unit`, which `call` uses. `done` may be called from within.
  void check(const PreparedUnit& unit, const wire::Call& call, const CallSettings& settings,
             Done done);
  // The same, but always by compiling now, whatever verdict is known.
  void probe(const PreparedUnit& unit, const wire::Call& call, const CallSettings& settings,
             Done done);

 private:
  struct Probe;
  void run_next(const std::shared_ptr<Probe>& probe);
  void run_remotely(const std::shared_ptr<Probe>& probe);
  void remote_ended(const std::shared_ptr<Probe>& probe, const UnitOutcome& outcome);
  void end(const std::shared_ptr<Probe>& probe, const Status& status);

  FarmAccess& farm_;
  ThreadPool& work_;
  Preparer& preparer_;
  std::filesystem::path scratch_;
  // Whether there is fallback decides how long a probe waits for the farm.
  std::map<std::pair<Digest, bool>, std::shared_ptr<Probe>> probes_;
};

}  // namespace kiln::client
