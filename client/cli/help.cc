#include "client/cli/command_line.h"
#include "client/cli/key_help.h"
#include "client/cli/log_words.h"
#include "client/cli/node_words.h"
#include "client/cli/pool_help.h"
#include "client/cli/top_words.h"

namespace kiln::client {
namespace {

constexpr const char* kAllCommands = R"(Kiln compiles on other machines.

usage: kiln COMPILER ARGUMENTS...      compile, remotely where that is possible
       kiln COMMAND [--json]
   or call it through a link named after a compiler: ln -s kiln ~/bin/gcc

The farm
  status              the agent, its coordinators, and whether jobs run remotely
  nodes               the machines of the farm and what they do
  tasks               the tasks that run or wait now
  top                 all of it live, as top and htop do it
  drain NODE          no new tasks for it; waits until what runs there has ended
  resume NODE         tasks for it again
  log [TARGET [LEVEL]...]
                      how much a process of the farm logs, and changing it;
                      kiln log --help tells more
  -j                  a good number for make -j now

Pools: sets of executors that are ready before the first job
  pools               all pools
  pool create NAME [OPTION]...
                      make one: of which compilers, on which nodes, how warm
  pool show NAME      its nodes, how warm they are, and why they are not
  pool warm NAME [N]  make N or all executors ready, and wait for it
  pool quiesce NAME   stop its executors until they are needed
  pool wake NAME      bring them back
  pool resize NAME N  executors on each node
  pool delete NAME
  warm [--compile-commands FILE] [--pool NAME] [--executors N] [COMPILER]...
                      make the farm ready for a build before its first job
  kiln pool create --help and its like tell more, with examples

Your builds
  stats               how many jobs ran where, and why
  why FILE            where FILE was compiled last, and why there
  trace [BUILD]       a build's timeline in Chrome's trace format, for Perfetto;
                      --list: the builds that are remembered
  run [--input PATH]... [--output PATH]... -- COMMAND
                      run any command remotely with these files

Keys: who may come into the farm
  keys ACTION         init, new, allow, revoke, list, trust, distrust;
                      kiln keys --help tells more

This machine
  config              every setting, its value and where it comes from
  doctor [COMPILER]   check everything that can be wrong, and how to mend it
  agent stop          stop the agent; the next call starts it again

Options
  --json              print the answer as JSON (every command but run and top,
                      and of keys only list)
  --version           print the version
  --help              print this text

Environment
  KILN_COORDINATOR    coordinators, comma-separated host[:10650]
  KILN_MODE           files: remotely where possible; local: here
  KILN_ROUTE          direct, relay (through the coordinator) or auto
  KILN_POOL           pool to compile in (default: default)
  KILN_PRIORITY       priority of the jobs, higher first
  KILN_BUILD          name of the build, for fair shares
  KILN_FALLBACK       0: a job that should run remotely and cannot fails
  KILN_DISABLE        1: run the compiler, nothing else
  KILN_SOCKET         the agent's socket
  KILN_KEY_FILE       key file of this client, where the farm has keys
  KILN_CACHE_DIR      where the agent keeps what it found
  KILN_CONFIG         a configuration file besides /etc/kiln/*.toml
  KILN_KEYS_DIR       the farm's folder of keys, of kiln keys
  KILN_LOG_LEVEL      debug, info, warning, error or off, or as of kiln log
  KILN_LOG_FILE       the agent's log
  KILN_METRICS        where the agent serves its metrics: 127.0.0.1:10662
  KILN_LOG_FORMAT     text or json
  KILN_SLOT_DIR       where this machine's users share its slots for local runs
  KILN_IDLE_TIMEOUT   until an idle agent ends: 15m, 900s or 900; 0: never
)";

}  // namespace

std::string help_text(const PeopleCommand& line) {
  if (line.name == "keys") return std::string(key_help());
  if (line.name == "top") return std::string(top_help());
  if (line.name == "log") return std::string(log_help());
  if (const auto node = node_help(line.name); !node.empty()) return std::string(node);
  const std::string own =
      pool_help(line.name, line.arguments.empty() ? "" : line.arguments.front());
  return own.empty() ? kAllCommands : own;
}

}  // namespace kiln::client
