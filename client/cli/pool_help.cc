#include "client/cli/pool_help.h"

#include <array>
#include <string_view>

namespace kiln::client {
namespace {

struct Page {
  std::string_view command;
  std::string_view action;
  std::string_view text;
};

constexpr std::string_view kAll =
    R"(A pool is a set of executors on nodes of the farm, ready before the first job.

usage: kiln pool ACTION NAME

  create     kiln pool create cc --toolchain g++ --warm all
  show       kiln pool show cc
  warm       kiln pool warm cc 8
  quiesce    kiln pool quiesce cc
  wake       kiln pool wake cc
  resize     kiln pool resize cc 4
  delete     kiln pool delete cc

kiln pool ACTION --help tells more of one. Builds use a pool by its name:
  KILN_POOL=cc make CC="kiln clang"
)";

constexpr std::string_view kCreate = R"(Makes a pool. The same pool again is no error.

usage: kiln pool create NAME [OPTION]...    (* may be given again)

What its executors are
  --context C         spawn: fresh processes (default)
                      fork: forks of one that is initialised
                      forkserver: hold toolchains' programs before main
  --toolchain CC      command whose toolchain they hold *
  --executors N       on each node (default: one a slot of the node)
  --nodes TERMS       labels of the nodes, all of which must hold; kiln nodes
                      lists them: zone=a, gpu (there is one), '!spot' (none)
  --limit L           of each task: time=10m, memory=2G, output=1G

What each does before it is ready
  --init COMMAND      a step, in the root of the first toolchain *
  --init-timeout T    for all steps together (60s)
  --probe COMMAND     must end well, after all steps
  --keep FILE         of the first toolchain, stays in memory *
  --env NAME=VALUE    for the steps *

How many are ready
  --warm N|all        now, on all nodes together: waits until they are
  --timeout T         for that (5m), else it fails; the pool goes on warming
  --min-warm N        always, on all nodes together
  --window W          at these times, as 'mon-fri 8:00-20:00 16' *
  --idle T            without a task until a node's are stopped (never)
  --json              print the answer as JSON

Examples
  kiln pool create cc --toolchain gcc --warm all
  kiln pool create fast --context forkserver --toolchain clang --idle 10m
  kiln pool create day --toolchain g++ --window 'mon-fri 8:00-20:00 16'
  kiln pool create zone-a --nodes 'zone=a,!spot' --executors 4 --min-warm 8
  kiln pool create proved --toolchain sh --init "sh -c 'echo ready'"
)";

constexpr std::string_view kWarm =
    R"(Makes the farm ready for a build before its first job: brings the toolchains of
its compilers to the nodes, and has executors started.

usage: kiln warm [OPTION]... [COMPILER]...

  --compile-commands FILE  a compilation database: all compilers that it uses
  --pool NAME              in this pool (default: default)
  --executors N|all        so many ready, on all nodes together (default: all)
  --timeout T              how long to wait for it (5m)
  --json                   print the answer as JSON

Examples
  kiln warm g++
  kiln warm --compile-commands build/compile_commands.json
  kiln warm --pool cc --executors 8 clang
)";

constexpr std::array<Page, 10> kPages = {{
    {"pools", "", R"(Lists all pools with their state: ready, warming, quiesced, broken or cold.
BROKEN counts the nodes on which a pool is broken; kiln pool show says why.

usage: kiln pools [--json]

Example
  kiln pools
)"},
    {"pool", "", kAll},
    {"pool", "create", kCreate},
    {"pool", "show",
     R"(Shows a pool: the command that makes it, its nodes, how warm they are and why
they are not.

usage: kiln pool show NAME [--json]

Example
  kiln pool show cc
)"},
    {"pool", "warm", R"(Makes executors ready and waits for it. A broken pool is tried again.

usage: kiln pool warm NAME [N|all] [--timeout T] [--json]

N counts on all nodes together (default: all); T is 5m unless given.

Examples
  kiln pool warm cc
  kiln pool warm cc 8 --timeout 30s
)"},
    {"pool", "quiesce",
     R"(Stops a pool's executors, those with a task after it. Definition and staged
files stay; the next task or kiln pool wake brings them back. Shows how the
nodes stand after it.

usage: kiln pool quiesce NAME [--json]

Example
  kiln pool quiesce cc
)"},
    {"pool", "wake", R"(Brings a pool's executors back and waits for it.

usage: kiln pool wake NAME [--timeout T] [--json]

Example
  kiln pool wake cc
)"},
    {"pool", "resize",
     R"(Changes how many executors a pool has on each node; 0: one a slot. Shows how
the nodes stand after it.

usage: kiln pool resize NAME N [--json]

Example
  kiln pool resize cc 4
)"},
    {"pool", "delete", R"(Deletes a pool on the whole farm. Its calls then fail and say so.

usage: kiln pool delete NAME [--json]

Example
  kiln pool delete cc
)"},
    {"warm", "", kWarm},
}};

}  // namespace

std::string pool_help(const std::string& command, const std::string& action) {
  std::string_view near;  // of the command, where the action has none
  for (const Page& page : kPages) {
    if (page.command != command) continue;
    if (page.action == action) return std::string(page.text);
    if (page.action.empty()) near = page.text;
  }
  return std::string(near);
}

}  // namespace kiln::client
