// Makes toolchains known to the farm before any job needs them: found on the caller's PATH,
// packaged, proved, and brought to one node at least, from which others fetch them.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/agent/farm_link.h"
#include "client/agent/prepare.h"
#include "client/agent/probe_desk.h"
#include "client/agent/remote_call.h"
#include "common/model/pool.h"

namespace kiln::client {

class ToolchainDesk {
 public:
  // An error names the command and why no other machine can run it, or why it could not be brought
  // to a node now; Errc::cancelled: nobody waits for it any more.
  using Done = std::function<void(Result<std::vector<PoolToolchain>>)>;
  // Ends when whoever asked is gone.
  using Asker = std::weak_ptr<const void>;

  struct Parts {
    net::Reactor& reactor;
    ThreadPool& work;
    Preparer& preparer;
    FarmAccess& access;
    FarmLink& farm;
    ProbeDesk& probes;
  };
  explicit ToolchainDesk(const Parts& parts) : parts_(parts) {}
  ~ToolchainDesk();

  // In the order of `commands`. A compiler's name brings all that compiling needs, any other's what
  // the program needs to start. `settings` say in which build the tasks run that this takes.
  void provide(std::vector<std::string> commands, const std::string& cwd,
               const Environment& environment, const CallSettings& settings, Asker asker,
               Done done);
  // An asker may be gone: ends what it asked for, with the tasks that run for it.
  void drop_unwanted();

 private:
  struct Errand;
  using ErrandPtr = std::shared_ptr<Errand>;
  void next(const ErrandPtr& errand);
  void found(const ErrandPtr& errand);
  void bring(const ErrandPtr& errand);
  void run_there(const ErrandPtr& errand);
  void end(const ErrandPtr& errand, Result<std::vector<PoolToolchain>> result);

  Parts parts_;
  std::vector<ErrandPtr> errands_;
};

}  // namespace kiln::client
