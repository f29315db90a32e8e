// The processes behind the places of pools: makes, initialises and stops executors and templates as
// the table says, and tells it what became of them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/net/reactor.h"
#include "worker/executor/executor_host.h"
#include "worker/pools/executor_table.h"
#include "worker/pools/proof_book.h"
#include "worker/server/initialiser.h"
#include "worker/server/toolchain_keeper.h"

namespace kiln::worker {

class ExecutorFleet {
 public:
  struct Parts {
    net::Reactor& reactor;
    ThreadPool& pool;
    ThreadPool& removals;
    TreeStager& stager;
    ExecutorHost& host;
    PeerFetcher& peers;
    Logger log;
    std::string architecture;  // this node's
  };
  // The table's ears; never called from within a request.
  struct Hooks {
    std::function<void(PlaceId)> begun;  // it had to wait for toolchains
    std::function<void(PlaceId)> ready;
    std::function<void(PlaceId, const InitialiserEnd&)> initialised;
    std::function<void(PlaceId, const std::string& reason)> lost;
    std::function<void(PlaceId)> stopped;
    std::function<void(const std::string& pool)> template_ready;
    std::function<void(const std::string& pool, const std::string& reason)> template_lost;
    std::function<void(const std::string& pool)> changed;  // what describe() adds
    std::function<void(const std::string& pool)> staged;   // what its executors need
    // From the pool's wish until one of its toolchains, which was not there, was staged.
    std::function<void(const std::string& pool, Duration took)> toolchain_took;
    // Tried again later. `lasting`: see PoolExecutors.
    std::function<void(const std::string& pool, const std::string& reason, bool lasting)>
        staging_failed;
  };

  ExecutorFleet(const Parts& parts, Hooks hooks);

  // What holds for a pool from now on. REQUIRES: the table hears of it afterwards.
  void set_terms(const PoolTerms& terms);
  // The upper bounds of the pool's tasks.
  Limits limits(const std::string& pool) const;

  // What failed before is tried again at once.
  void try_again(const std::string& pool);

  void create(const CreateExecutor& wish);
  void stop(PlaceId place);
  void initialise(const InitialiseExecutor& wish);
  void create_template(const std::string& pool);
  void stop_template(const std::string& pool);

  // Asks initializers that run to end themselves; no step follows.
  void terminate_initialisers() { initialiser_.terminate(); }
  bool initialises() const { return initialiser_.busy(); }

  // What the host reports.
  void executor_ready(ExecutorId id);
  // Whether it was an initializer's.
  bool task_finished(const RunReport& report) { return initialiser_.finished(report); }
  void executor_died(ExecutorId id, const Error& reason);
  void executor_stopped(ExecutorId id);
  void template_ready(TemplateId id);
  void template_died(TemplateId id, const Error& reason);

  std::optional<ExecutorId> on(PlaceId place) const;
  // Executors of a pool, whatever they do.
  std::vector<PlaceId> places(const std::string& pool) const;
  // Adds what only the processes tell: staged, stage_us, context and fallback.
  void describe(PoolOnNode& pool) const;
  // Files that are to stay in the page cache while the pool is awake, of a toolchain that is
  // staged.
  struct Resident {
    std::shared_ptr<const void> hold;
    std::vector<std::filesystem::path> roots;
    std::vector<std::string> files;  // in one of the roots
  };
  Resident resident(const std::string& pool) const;

 private:
  struct Member {
    std::string pool;
    std::optional<ExecutorId> id;  // none: it waits for toolchains, or for another one's proof
    bool from_template = false;
    bool waits_for_files = false;
    std::vector<ProofBook::Program> programs;  // that it holds
    // Of the trees that it stands on: their files stay while it lives, whatever its pool becomes.
    std::vector<std::shared_ptr<const void>> holds;
  };
  std::string pool_of(PlaceId place) const;
  const PoolSpec& spec(const std::string& pool) const;
  std::vector<PoolToolchain> own(const std::string& pool) const;
  // Toolchains that must be staged before an executor of the pool can be made.
  std::vector<Digest> needs(const std::string& pool) const;
  std::optional<Digest> lacks(const std::string& pool) const;
  void toolchain_staged(const Digest& toolchain);
  void toolchain_failed(const Digest& toolchain, const std::string& reason, bool lasting);
  void make(PlaceId place);
  std::vector<ProofBook::Program> programs(const std::string& pool) const;
  // REQUIRES: the pool lacks nothing.
  std::vector<HeldProgram> to_hold(const std::string& pool) const;
  // Those that waited for a proof.
  void make_waiting();
  void note_proofs(PlaceId place, ExecutorId id);
  void note_fallback(const std::string& pool, ExecutorId id);
  std::optional<PlaceId> forget(ExecutorId id);

  Parts parts_;
  Hooks hooks_;
  ToolchainKeeper keeper_;
  Initialiser initialiser_;
  ProofBook proofs_;
  std::map<std::string, PoolTerms> terms_;
  std::map<PlaceId, Member> members_;
  std::map<ExecutorId, PlaceId> place_of_;
  std::map<std::string, TemplateId> templates_;
  std::map<std::string, std::string> fallbacks_;  // why a pool's programs are executed, not held
};

}  // namespace kiln::worker
