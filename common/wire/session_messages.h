// A session between the library and the agent: many tasks on one connection of the UNIX socket.
// Part of messages.h.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/model/task.h"

namespace kiln::wire {

// Raised when a session changes so that an older peer could misunderstand it.
inline constexpr std::uint32_t kSessionVersion = 1;

// Opens a session. The root's fields are those of Call.
struct SessionHello {
  std::uint32_t version = kSessionVersion;
  std::uint64_t root_device = 0;
  std::uint64_t root_inode = 0;
  std::uint64_t mount_namespace = 0;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("version", self.version);
    visit("root_device", self.root_device);
    visit("root_inode", self.root_inode);
    visit("mount_namespace", self.mount_namespace);
  }
  friend bool operator==(const SessionHello&, const SessionHello&) = default;
};

struct SessionWelcome {
  std::uint32_t version = 0;  // the session's: that of the older of the two
  std::uint32_t tasks = 0;    // that may be without an answer at a time

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("version", self.version);
    visit("tasks", self.tasks);
  }
  friend bool operator==(const SessionWelcome&, const SessionWelcome&) = default;
};

// One task. Fields with the names of Call's mean what they mean there.
struct SessionTask {
  std::uint64_t number = 0;  // unique in the session, never 0
  std::string kind = "run";
  std::vector<std::string> argv;
  std::string program;  // absolute; empty: argv[0], looked for on the PATH of `environment`
  std::string cwd;
  std::vector<std::pair<std::string, std::string>> environment;
  std::uint32_t umask = 022;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::string pool = "default";
  std::int32_t priority = 0;
  Limits limits;  // 0: the agent's own
  std::uint64_t patience_ms =
      0;  // without any task like it getting a slot, until it fails; 0: 60 s

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("number", self.number);
    visit("kind", self.kind);
    visit("argv", self.argv);
    visit("program", self.program);
    visit("cwd", self.cwd);
    visit("environment", self.environment);
    visit("umask", self.umask);
    visit("inputs", self.inputs);
    visit("outputs", self.outputs);
    visit("pool", self.pool);
    visit("priority", self.priority);
    visit("limits", self.limits);
    visit("patience_ms", self.patience_ms);
  }
  friend bool operator==(const SessionTask&, const SessionTask&) = default;
};

// The end of a task. Raw frames: stdout, stderr; also those of a task that failed at a limit.
struct SessionResult {
  std::uint64_t number = 0;
  // exited or signalled: the command's own end, its outputs are in place. refused: of a kind that
  // does not run remotely. failed: anything else. docs/protocol.md lists the reasons.
  std::string outcome;
  std::int32_t exit_code = 0;  // of exited
  std::int32_t signal = 0;     // of signalled
  std::string reason;          // of refused and failed: a stable word
  std::string detail;          // for people
  std::string node;            // of the last attempt
  std::uint32_t attempts = 0;
  std::uint64_t prepare_us = 0;  // finding out what it needs
  std::uint64_t lease_us = 0;    // waiting for a slot
  std::uint64_t remote_us = 0;   // from the slot to the result
  Usage usage;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("number", self.number);
    visit("outcome", self.outcome);
    visit("exit_code", self.exit_code);
    visit("signal", self.signal);
    visit("reason", self.reason);
    visit("detail", self.detail);
    visit("node", self.node);
    visit("attempts", self.attempts);
    visit("prepare_us", self.prepare_us);
    visit("lease_us", self.lease_us);
    visit("remote_us", self.remote_us);
    visit("usage", self.usage);
  }
  friend bool operator==(const SessionResult&, const SessionResult&) = default;
};

// Nobody wants the task any more; it is answered all the same, once.
struct SessionCancel {
  std::uint64_t number = 0;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("number", self.number);
  }
  friend bool operator==(const SessionCancel&, const SessionCancel&) = default;
};

}  // namespace kiln::wire
