// A pool: a named set of executors on selected nodes. What people ask for (PoolSpec), what
// coordinators and workers keep of it (PoolDefinition), what a coordinator asks of one node
// (PoolOrder), and how the pool stands there (PoolOnNode).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/digest.h"
#include "common/model/task.h"

namespace kiln {

// The pool of calls that name none. It is on every node, has as many executors as the node has
// slots, needs no definition and cannot be changed.
inline constexpr const char* kDefaultPool = "default";

// How a pool makes its executors.
enum class PoolContext : std::uint8_t {
  spawn,       // each is a fresh process that runs the initializer itself
  fork,        // forks of one template per node, which ran the initializer once
  forkserver,  // each holds the pool's programs stopped before main, and forks them for its tasks
};
std::string_view name(PoolContext context);

// A toolchain that a pool is made ready for.
struct PoolToolchain {
  std::string name;          // as its creator named it: g++
  std::string program;       // absolute path in the root; what a forkserver holds
  std::string architecture;  // that it runs on, as NodeInfo::architecture
  Digest digest;             // root listing of its tree

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("name", self.name);
    visit("program", self.program);
    visit("architecture", self.architecture);
    visit("digest", self.digest);
  }
  friend bool operator==(const PoolToolchain&, const PoolToolchain&) = default;
};

// A time of the week, in the coordinator's time zone, in which more is kept ready.
struct WarmWindow {
  std::uint8_t days = 0x7f;       // bit 0: Monday … bit 6: Sunday
  std::uint32_t from_minute = 0;  // of the day
  std::uint32_t to_minute = 0;    // exclusive; not after from_minute: it ends on the next day
  std::uint32_t ready = 0;        // executors, on all nodes together

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("days", self.days);
    visit("from_minute", self.from_minute);
    visit("to_minute", self.to_minute);
    visit("ready", self.ready);
  }
  friend bool operator==(const WarmWindow&, const WarmWindow&) = default;
};

struct PoolSpec {
  std::string name;
  PoolContext context = PoolContext::spawn;
  std::vector<std::vector<std::string>> init;  // the initializer's steps, argv each, in the root
  std::uint64_t init_limit_ms = 60'000;        // of all steps together
  std::vector<std::string> keep_resident;      // files of the toolchain kept in the page cache
  std::vector<PoolToolchain> toolchains;       // the first is the root of the initializer
  std::uint32_t executors = 0;                 // on each node; 0: as many as the node has slots
  std::vector<std::string> nodes;   // labels that must hold: zone=a, gpu, !spot; none: all nodes
  std::uint32_t min_warm = 0;       // executors kept ready, on all nodes together
  std::vector<WarmWindow> windows;  // the largest that applies counts, if above min_warm
  std::uint64_t idle_ms = 0;        // without a task until a node's executors go; 0: never
  Limits limits;                    // upper bounds of its tasks' own
  std::vector<std::pair<std::string, std::string>> environment;  // of the initializer's steps
  std::vector<std::string> probe;  // a command that must end well before an executor is ready

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("name", self.name);
    visit("context", self.context);
    visit("init", self.init);
    visit("init_limit_ms", self.init_limit_ms);
    visit("keep_resident", self.keep_resident);
    visit("toolchains", self.toolchains);
    visit("executors", self.executors);
    visit("nodes", self.nodes);
    visit("min_warm", self.min_warm);
    visit("windows", self.windows);
    visit("idle_ms", self.idle_ms);
    visit("limits", self.limits);
    visit("environment", self.environment);
    visit("probe", self.probe);
  }
  friend bool operator==(const PoolSpec&, const PoolSpec&) = default;
};

// What is kept of a pool. Of two under one name the higher version counts; a deleted one is kept as
// a tombstone, so that an absent worker cannot bring it back.
struct PoolDefinition {
  PoolSpec spec;
  std::uint64_t version = 0;
  bool deleted = false;
  std::uint64_t changed_s = 0;  // seconds since 1970

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("spec", self.spec);
    visit("version", self.version);
    visit("deleted", self.deleted);
    visit("changed_s", self.changed_s);
  }
  friend bool operator==(const PoolDefinition&, const PoolDefinition&) = default;
};

// A wish that is carried out once, when a node first sees its number.
enum class PoolWish : std::uint8_t {
  none,
  warm,     // make PoolOrder::warm executors ready, and try again what is broken
  quiesce,  // stop the executors that have no task, and the others after theirs
};

// What one coordinator wants of a pool on one node; absolute, the newest counts.
struct PoolOrder {
  PoolDefinition definition;
  bool selected = false;          // else the node has no executors of it
  std::uint32_t keep_ready = 0;   // executors kept ready whatever happens: min_warm and windows
  std::uint64_t wish_number = 0;  // raised with each wish of this coordinator's
  PoolWish wish = PoolWish::none;
  std::uint32_t warm = 0;            // of PoolWish::warm
  std::vector<PoolToolchain> stage;  // to be staged ahead: the pool's own, and what was asked for
  std::vector<std::string> sources;  // bulk addresses of nodes that have some of them staged
  std::uint64_t number = 0;          // of this coordinator's life: the later order has the higher

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("definition", self.definition);
    visit("selected", self.selected);
    visit("keep_ready", self.keep_ready);
    visit("wish_number", self.wish_number);
    visit("wish", self.wish);
    visit("warm", self.warm);
    visit("stage", self.stage);
    visit("sources", self.sources);
    visit("number", self.number);
  }
  friend bool operator==(const PoolOrder&, const PoolOrder&) = default;
};

// Of a pool on one node.
enum class PoolState : std::uint8_t {
  cold,      // it has no executors yet; the next task or a wish makes them
  warming,   // executors are starting, and none is ready or busy yet
  ready,     // there is an executor that is ready or busy
  quiesced,  // its executors were stopped; the next task or a wish brings them back
  broken,    // none could be made; the reason says why
};
std::string_view name(PoolState state);

struct PoolOnNode {
  std::string name;
  std::uint64_t version = 0;  // of the definition in force there
  PoolState state = PoolState::cold;
  PoolContext context = PoolContext::spawn;  // in force: spawn where the pool's own cannot be had
  std::string fallback;                      // why it is not the pool's own
  std::uint32_t executors = 0;               // at most, by the definition
  std::uint32_t starting = 0;
  std::uint32_t ready = 0;
  std::uint32_t busy = 0;
  std::uint32_t broken = 0;
  std::uint32_t queued = 0;    // tasks that wait for one of its executors
  std::uint32_t staged = 0;    // of the order's toolchains
  std::string reason;          // why it is broken, or why the last try failed
  std::string output;          // the end of what the initializer wrote last, however it ended
  std::int32_t exit_code = 0;  // of the initializer's step then
  // The last warm-up, of the slowest executor; 0: none yet.
  std::uint64_t stage_us = 0;
  std::uint64_t start_us = 0;
  std::uint64_t initialise_us = 0;
  // Since the worker began.
  std::uint64_t tasks = 0;
  std::uint64_t warm_hits = 0;    // tasks that found an executor ready and the toolchain staged
  std::uint64_t warm_misses = 0;  // tasks that did not
  std::uint64_t quiesces = 0;
  std::uint64_t wakes = 0;
  std::uint64_t crashes = 0;    // executors and templates that died without being told to
  std::uint64_t first_us = 0;   // the first task after the last wake or start: queue to end
  std::uint64_t steady_us = 0;  // of the last task that was not a first one
  // In a report: of the last order of the coordinator that is told, all of this is since then.
  std::uint64_t order = 0;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("name", self.name);
    visit("version", self.version);
    visit("state", self.state);
    visit("context", self.context);
    visit("fallback", self.fallback);
    visit("executors", self.executors);
    visit("starting", self.starting);
    visit("ready", self.ready);
    visit("busy", self.busy);
    visit("broken", self.broken);
    visit("queued", self.queued);
    visit("staged", self.staged);
    visit("reason", self.reason);
    visit("output", self.output);
    visit("exit_code", self.exit_code);
    visit("stage_us", self.stage_us);
    visit("start_us", self.start_us);
    visit("initialise_us", self.initialise_us);
    visit("tasks", self.tasks);
    visit("warm_hits", self.warm_hits);
    visit("warm_misses", self.warm_misses);
    visit("quiesces", self.quiesces);
    visit("wakes", self.wakes);
    visit("crashes", self.crashes);
    visit("first_us", self.first_us);
    visit("steady_us", self.steady_us);
    visit("order", self.order);
  }
  friend bool operator==(const PoolOnNode&, const PoolOnNode&) = default;
};

}  // namespace kiln
