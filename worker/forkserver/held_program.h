// Programs that an executor holds, as its host asks for them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::worker {

// A program that an executor holds stopped before its main, to fork it for tasks that run it
// (context forkserver). A task is served by it when RunRequest::program is its path or a symlink to
// it in the toolchain's tree, the task's last lowers are `lowers`, and its environment has nothing
// that the dynamic loader or the C library reads before main.
struct HeldProgram {
  std::vector<std::filesystem::path> lowers;  // of the toolchain's tree
  std::string program;                        // absolute path in that root
  // Known from another executor on this machine: it does what an executed one does, and is not
  // proven again; or why it cannot be held, and is not tried.
  bool proven = false;
  std::string problem{};

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("lowers", self.lowers);
    visit("program", self.program);
    visit("proven", self.proven);
    visit("problem", self.problem);
  }
};

// What became of one.
struct HeldFact {
  std::string program;
  std::string problem;   // why it cannot be held, and is executed for each task; empty: it is held
  bool lasting = false;  // every executor would meet that problem

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("program", self.program);
    visit("problem", self.problem);
    visit("lasting", self.lasting);
  }
};

}  // namespace kiln::worker
