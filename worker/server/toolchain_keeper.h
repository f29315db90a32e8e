// Toolchains that pools want staged without a task asking: gets their blobs from other nodes, has
// them staged, and holds them so that they are not evicted while somebody wants them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/thread_pool.h"
#include "common/net/reactor.h"
#include "worker/server/peer_fetcher.h"
#include "worker/staging/tree_stager.h"

namespace kiln::worker {

class ToolchainKeeper {
 public:
  struct Parts {
    net::Reactor& reactor;
    ThreadPool& pool;
    TreeStager& stager;
    PeerFetcher& peers;
    Logger log;
  };
  struct Standing {
    std::uint32_t staged = 0;  // of those that the pool wants
    Duration took{};           // of the slowest: from the wish until it was staged
  };

  // Never called from within want() or try_again().
  struct Hooks {
    std::function<void(const Digest&)> staged;
    // Before that, for each pool that waited for it: since that pool wanted it.
    std::function<void(const std::string& pool, Duration took)> took;
    // One try. `lasting`: there are nodes that should have it, or this one is at fault; else others
    // may yet come to have it.
    std::function<void(const Digest&, const std::string& reason, bool lasting)> failed;
  };

  ToolchainKeeper(const Parts& parts, Hooks hooks);
  ~ToolchainKeeper();

  // What `pool` wants from now on, and bulk addresses of nodes that may have it: no others are
  // asked, as nodes come and go. What is not to be had is tried again, later and later, and at once
  // with each call.
  void want(const std::string& pool, const std::vector<Digest>& toolchains,
            const std::vector<std::string>& sources);
  // What the pool wants and was not to be had is tried at once.
  void try_again(const std::string& pool);
  // nullptr while it is not staged. It lives until nobody wants it.
  const StagedTree* tree(const Digest& toolchain) const;
  Standing standing(const std::string& pool) const;

 private:
  struct Wish {
    std::vector<std::string> sources;
    TimePoint since;
  };
  struct Item {
    std::map<std::string, Wish> pools;
    std::optional<StagedTree> tree;
    TimePoint wanted;
    Duration took{};
    std::string problem;        // of the last blob that did not come
    std::uint32_t retries = 0;  // since somebody last wanted it
    std::size_t fetching = 0;   // blobs
    bool incomplete = false;    // one of them is not to be had
    bool working = false;
    net::TimerId retry = 0;
  };
  struct Step {
    std::vector<Digest> missing;
    std::optional<StagedTree> tree;
  };
  static std::vector<std::string> sources_of(const Item& item);
  void begin(const Digest& toolchain);
  void step(const Digest& toolchain);
  void took_step(const Digest& toolchain, Result<Step> result);
  void fetched(const Digest& toolchain, const Status& got);
  void failed(const Digest& toolchain, Item& item, const Error& error);

  Parts parts_;
  Hooks hooks_;
  std::map<Digest, Item> items_;
};

}  // namespace kiln::worker
