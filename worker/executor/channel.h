// Messages with descriptors between the processes of one worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "worker/executor/packing.h"
#include "worker/executor/run.h"
#include "worker/forkserver/held_program.h"
#include "worker/sandbox/supervisor.h"

namespace kiln::worker {

enum class MessageKind : std::uint8_t {
  setup,      // host to nursery, first of all: NurserySetup; it begins or is broken
  create,     // host to nursery, template: CreateMessage, with the executor's end of its channel
  breed,      // host to nursery: CreateMessage, as for create, of a template
  begun,      // nursery to host: nothing, with its scratch directory; or broken, and it exits;
              // template to host: nothing; likewise
  gone,       // nursery, template to host: GoneMessage, when what it forked is dead with all below
  ready,      // executor to host: InitMessage, with the host's end of that init's channel
  lost,       // executor to host: LostMessage, when an init is dead, whatever it did before
  broken,     // executor to host: BrokenMessage; it exits
  held,       // init to executor, executor to host: HeldMessage, before that init is ready
  fared,      // init to executor: FaredMessage
  stop,       // host to executor, template: nothing
  run,        // host to init: RunMessage
  cancel,     // host to init: nothing
  terminate,  // host to init: nothing
  finished,   // init to host: FinishedMessage, with the memory files of stdout and stderr
};

struct CreateMessage {
  std::uint64_t id = 0;  // executors and templates are counted together
  std::string hostname;
  std::vector<HeldProgram> held;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("id", self.id);
    visit("hostname", self.hostname);
    visit("held", self.held);
  }
};

struct GoneMessage {
  std::uint64_t id = 0;
  std::string reason;  // "exited with 1", "killed by signal 9"

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("id", self.id);
    visit("reason", self.reason);
  }
};

struct InitMessage {
  std::uint32_t number = 0;  // counts the inits of one executor from 1
  pid_t pid = 0;             // the init's, as the nursery sees it
  pid_t executor = 0;        // its executor's

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("number", self.number);
    visit("pid", self.pid);
    visit("executor", self.executor);
  }
};

struct LostMessage {
  std::uint32_t number = 0;
  std::string reason;  // as in GoneMessage

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("number", self.number);
    visit("reason", self.reason);
  }
};

// What became of the programs that an executor is to hold, in their order.
struct HeldMessage {
  std::vector<HeldFact> facts;
  bool serves = true;  // the init that says so takes tasks; else it exits

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("facts", self.facts);
    visit("serves", self.serves);
  }
};

// How it went with one of them.
struct FaredMessage {
  std::uint32_t program = 0;  // counted from 0
  bool died = false;          // its process did, unasked; else a task was forked from it and ended

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("program", self.program);
    visit("died", self.died);
  }
};

struct BrokenMessage {
  Errc code = Errc::internal;
  std::string reason;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("code", self.code);
    visit("reason", self.reason);
  }
};

struct RunMessage {
  RunRequest request;
  std::filesystem::path workspace;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("request", self.request);
    visit("workspace", self.workspace);
  }
};

struct FinishedMessage {
  TaskEnd end;
  bool again = false;   // the init waits for the next task; else it exits
  bool forked = false;  // from a held program

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("end", self.end);
    visit("again", self.again);
    visit("forked", self.forked);
  }
};

struct LocalMessage {
  MessageKind kind = MessageKind::ready;
  std::string body;
  std::vector<UniqueFd> descriptors;
};

// One end of a SOCK_SEQPACKET pair. Messages of any size: a large one travels as a memory file.
class Channel {
 public:
  static constexpr std::size_t kMaxDescriptors = 8;

  Channel() = default;
  explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}
  static Result<std::pair<Channel, Channel>> make_pair();

  int fd() const { return fd_.get(); }
  UniqueFd release() { return std::move(fd_); }
  void close() { fd_.reset(); }

  // Never blocks: Errc::resource_exhausted when the peer does not read, Errc::unavailable when it
  // is gone.
  Status send(MessageKind kind, std::string body = {}, const std::vector<int>& descriptors = {});
  template <typename Value>
  Status send_packed(MessageKind kind, const Value& value,
                     const std::vector<int>& descriptors = {}) {
    return send(kind, pack(value), descriptors);
  }
  // Never blocks: nothing when no message waits; Errc::unavailable after the peer's end;
  // Errc::resource_exhausted, and the message is lost, when its descriptors find no room here.
  Result<std::optional<LocalMessage>> receive();

 private:
  UniqueFd fd_;
};

}  // namespace kiln::worker
