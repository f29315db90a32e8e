#include "worker/server/toolchain_keeper.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "worker/pools/backoff.h"

namespace kiln::worker {
namespace {

constexpr Duration kFirstRetry = seconds(1);
constexpr Duration kLongestRetry = seconds(30);

}  // namespace

ToolchainKeeper::ToolchainKeeper(const Parts& parts, Hooks hooks)
    : parts_(parts), hooks_(std::move(hooks)) {}

ToolchainKeeper::~ToolchainKeeper() {
  for (const auto& [digest, item] : items_) {
    if (item.retry != 0) parts_.reactor.cancel(item.retry);
  }
}

void ToolchainKeeper::want(const std::string& pool, const std::vector<Digest>& toolchains,
                           const std::vector<std::string>& sources) {
  for (auto at = items_.begin(); at != items_.end();) {
    Item& item = at->second;
    const bool kept =
        std::find(toolchains.begin(), toolchains.end(), at->first) != toolchains.end();
    if (!kept) item.pools.erase(pool);
    // One that is being worked on goes when that is over.
    const bool over = item.pools.empty() && !item.working;
    if (over && item.retry != 0) parts_.reactor.cancel(item.retry);
    at = over ? items_.erase(at) : std::next(at);
  }
  for (const auto& digest : toolchains) {
    const auto [at, is_new] = items_.try_emplace(digest);
    Item& item = at->second;
    const TimePoint now = parts_.reactor.now();
    item.pools.try_emplace(pool, Wish{{}, now}).first->second.sources = sources;
    if (is_new) item.wanted = now;
    item.retries = 0;
    begin(digest);
  }
}

void ToolchainKeeper::try_again(const std::string& pool) {
  for (auto& [digest, item] : items_) {
    if (!item.pools.contains(pool) || item.working) continue;
    item.retries = 0;
    begin(digest);
  }
}

std::vector<std::string> ToolchainKeeper::sources_of(const Item& item) {
  std::vector<std::string> all;  // in their order, by which coordinators spread the load
  for (const auto& [pool, wish] : item.pools) {
    const auto& sources = wish.sources;
    std::copy_if(sources.begin(), sources.end(), std::back_inserter(all), [&all](const auto& one) {
      return std::find(all.begin(), all.end(), one) == all.end();
    });
  }
  return all;
}

void ToolchainKeeper::begin(const Digest& toolchain) {
  Item& item = items_.at(toolchain);
  if (item.working || item.tree) return;
  if (item.retry != 0) parts_.reactor.cancel(std::exchange(item.retry, 0));
  item.working = true;
  step(toolchain);
}

void ToolchainKeeper::step(const Digest& toolchain) {
  auto result = std::make_shared<Result<Step>>(Step{});
  parts_.reactor.offload(
      parts_.pool,
      [&stager = parts_.stager, toolchain, result] {
        auto missing = stager.missing_toolchain(toolchain);
        if (!missing) {
          *result = fail(missing.error());
        } else if (!missing->empty()) {
          (*result)->missing = std::move(*missing);
        } else if (auto tree = stager.stage_toolchain(toolchain)) {
          (*result)->tree = std::move(*tree);
        } else {
          *result = fail(tree.error());
        }
      },
      [this, toolchain, result] { took_step(toolchain, std::move(*result)); });
}

void ToolchainKeeper::took_step(const Digest& toolchain, Result<Step> result) {
  const auto found = items_.find(toolchain);
  if (found == items_.end()) return;
  Item& item = found->second;
  if (item.pools.empty()) {
    items_.erase(found);
    return;
  }
  if (!result) return failed(toolchain, item, result.error());
  if (result->tree) {
    item.tree = std::move(*result->tree);
    item.working = false;
    const TimePoint now = parts_.reactor.now();
    item.took = now - item.wanted;
    for (const auto& [pool, wish] : item.pools) hooks_.took(pool, now - wish.since);
    return hooks_.staged(toolchain);
  }
  item.fetching = result->missing.size();
  item.incomplete = false;
  const auto sources = sources_of(item);
  for (const auto& digest : result->missing) {
    parts_.peers.fetch(digest, sources,
                       [this, toolchain](const Status& got) { fetched(toolchain, got); });
  }
}

// All of them are waited for, so that what came counts at the next try.
void ToolchainKeeper::fetched(const Digest& toolchain, const Status& got) {
  const auto found = items_.find(toolchain);
  if (found == items_.end()) return;
  Item& item = found->second;
  if (!got) {
    item.problem = got.error().message;
    item.incomplete = true;
  }
  if (--item.fetching > 0) return;
  if (!item.incomplete) return step(toolchain);
  failed(toolchain, item, Error{Errc::not_found, item.problem});
}

void ToolchainKeeper::failed(const Digest& toolchain, Item& item, const Error& error) {
  item.working = false;
  const Duration delay = doubled(kFirstRetry, item.retries++, kLongestRetry);
  item.retry = parts_.reactor.call_after(delay, [this, toolchain] {
    const auto found = items_.find(toolchain);
    if (found == items_.end()) return;
    found->second.retry = 0;
    begin(toolchain);
  });
  // While nobody is known to have it, it may be on its way to the first node of all.
  const bool lasting = error.code != Errc::not_found || !sources_of(item).empty();
  hooks_.failed(toolchain, error.message, lasting);
}

const StagedTree* ToolchainKeeper::tree(const Digest& toolchain) const {
  const auto found = items_.find(toolchain);
  const bool is_there = found != items_.end() && found->second.tree;
  return is_there ? &*found->second.tree : nullptr;
}

ToolchainKeeper::Standing ToolchainKeeper::standing(const std::string& pool) const {
  Standing standing;
  for (const auto& [digest, item] : items_) {
    if (!item.tree || !item.pools.contains(pool)) continue;
    ++standing.staged;
    standing.took = std::max(standing.took, item.took);
  }
  return standing;
}

}  // namespace kiln::worker
