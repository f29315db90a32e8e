// The executors and templates that one process has forked.
//
// Telling when the last process below an executor is dead: whoever has a brood is a subreaper, so
// the inits of a dead executor become its children, and they kept the executor's process group.
// (The commands did not, but a PID namespace's init is not dead before they are.) When waiting for
// that group says that there is nobody, all are gone and nothing writes into the task's directory
// any more. A template's executors have groups of their own, which only the template knew, but they
// are all of its session.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <sys/types.h>

#include "common/base/unique_fd.h"
#include "worker/executor/channel.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

class Brood {
 public:
  // Everything must outlive it. REQUIRES: this process has one thread and SIGCHLD blocked, is a
  // subreaper and the leader of its session.
  enum class Owner { nursery, template_ };
  Brood(Owner owner, const ScratchLayout& layout, const Identity& identity, Channel& host)
      : owner_(owner), layout_(layout), identity_(identity), host_(host) {}

  // Forks what the host asks for, and says when one and all its processes are dead; until the host
  // hangs up or says stop. Then ends every one, and waits until nothing of them is left.
  void serve();

 private:
  struct Child {
    std::uint64_t id = 0;
    bool is_template = false;
    bool dead = false;  // but processes below it may live
    std::string reason;
  };

  bool handle_host();
  void fork_child(bool is_template, const CreateMessage& create, Channel channel);
  void reap();
  void end_all();

  const Owner owner_;
  const ScratchLayout& layout_;
  const Identity& identity_;
  Channel& host_;
  UniqueFd signals_;
  std::map<pid_t, Child> children_;  // by pid, which is also the process group
};

}  // namespace kiln::worker
