#include "coordinator/pools/catalog.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/model/newer_definition.h"
#include "common/model/pool_name.h"
#include "coordinator/pools/pool_spec.h"

namespace kiln::coordinator {
namespace {

constexpr std::uint64_t kMostVersion = std::numeric_limits<std::uint64_t>::max() / 2;

Status not_reserved(const std::string& name) {
  if (name != kDefaultPool) return {};
  return fail(Errc::invalid_argument,
              "the pool \"default\" is on every node as it is and cannot be changed; create one "
              "under another name");
}

}  // namespace

DefinitionPtr PoolCatalog::find(const std::string& name) const {
  const auto found = definitions_.find(name);
  return found == definitions_.end() || found->second->deleted ? nullptr : found->second;
}

DefinitionPtr PoolCatalog::known(const std::string& name) const {
  const auto found = definitions_.find(name);
  return found == definitions_.end() ? nullptr : found->second;
}

std::vector<DefinitionPtr> PoolCatalog::all() const {
  std::vector<DefinitionPtr> out;
  out.reserve(definitions_.size());
  for (const auto& entry : definitions_) out.push_back(entry.second);
  return out;
}

Status PoolCatalog::has_room_for(const PoolSpec& spec) const {
  if (pools_ < kMaxPools && bytes_ + text_bytes(spec) <= kMaxBytes) return {};
  return fail(Errc::resource_exhausted, "there are " + std::to_string(pools_) + " pools with " +
                                            std::to_string(bytes_) +
                                            " bytes of definitions already, which is the limit; "
                                            "delete some first");
}

Result<Created> PoolCatalog::create(const PoolSpec& spec, std::uint64_t now_s) {
  KILN_TRY(not_reserved(spec.name));
  KILN_TRY(check_spec(spec));
  if (const auto there = find(spec.name); there != nullptr) {
    if (there->spec == spec) return Created{there, true};
    return fail(Errc::already_exists, "pool \"" + spec.name + "\" exists with other settings: " +
                                          difference(there->spec, spec) + "; kiln pool delete " +
                                          spec.name + " first, or use another name");
  }
  KILN_TRY(has_room_for(spec));
  return Created{define(spec, false, now_s), false};
}

Result<Created> PoolCatalog::put(const PoolSpec& spec, std::uint64_t now_s) {
  const auto there = find(spec.name);
  if (there == nullptr || there->spec == spec) return create(spec, now_s);
  KILN_TRY(check_spec(spec));
  return Created{define(spec, false, now_s), true};
}

Result<DefinitionPtr> PoolCatalog::changeable(const std::string& name) const {
  KILN_TRY(not_reserved(name));
  if (auto there = find(name); there != nullptr) return there;
  return fail(Errc::not_found, "there is no pool \"" + name + "\"; kiln pools lists them");
}

Result<DefinitionPtr> PoolCatalog::resize(const std::string& name, std::uint32_t executors,
                                          std::uint64_t now_s) {
  KILN_TRY_ASSIGN(const auto there, changeable(name));
  if (there->spec.executors == executors) return there;
  auto spec = there->spec;
  spec.executors = executors;
  KILN_TRY(check_spec(spec));
  return define(std::move(spec), false, now_s);
}

Result<DefinitionPtr> PoolCatalog::remove(const std::string& name, std::uint64_t now_s) {
  KILN_TRY_ASSIGN(const auto there, changeable(name));
  PoolSpec spec;
  spec.name = name;
  auto tombstone = define(std::move(spec), true, now_s);
  drop_oldest_deleted();
  return tombstone;
}

bool PoolCatalog::learn(const PoolDefinition& definition, std::uint64_t now_s) {
  const auto& name = definition.spec.name;
  if (name == kDefaultPool || !is_pool_name(name) || definition.version == 0 ||
      definition.version > kMostVersion) {
    return false;
  }
  const auto found = definitions_.find(name);
  // What is known is said most often, and cheap to tell.
  if (found != definitions_.end() && *found->second == definition) return false;
  if (found != definitions_.end() && !counts_before(definition, *found->second)) return false;
  if (definition.deleted) {
    if (definition.changed_s + kTombstoneSeconds <= now_s) return false;
    PoolDefinition bare{{}, definition.version, true, definition.changed_s};
    bare.spec.name = name;
    if (found != definitions_.end() && *found->second == bare) return false;
    store(std::move(bare));
    drop_oldest_deleted();
    return true;
  }
  if (!check_spec(definition.spec) || (find(name) == nullptr && !has_room_for(definition.spec))) {
    return false;
  }
  store(definition);
  return true;
}

// Versions rise over all names, so that a name is never defined anew below a version that a worker
// far away may still know.
DefinitionPtr PoolCatalog::define(PoolSpec spec, bool deleted, std::uint64_t now_s) {
  const auto name = spec.name;
  store({std::move(spec), newest_ + 1, deleted, now_s});
  return definitions_.at(name);
}

void PoolCatalog::store(PoolDefinition definition) {
  const auto name = definition.spec.name;
  newest_ = std::max(newest_, definition.version);
  if (const auto before = find(name); before != nullptr) {
    --pools_;
    bytes_ -= text_bytes(before->spec);
  }
  if (!definition.deleted) {
    ++pools_;
    bytes_ += text_bytes(definition.spec);
  }
  definitions_[name] = std::make_shared<const PoolDefinition>(std::move(definition));
}

void PoolCatalog::drop_oldest_deleted() {
  if (definitions_.size() - pools_ <= kMaxTombstones) return;
  auto oldest = definitions_.end();
  for (auto at = definitions_.begin(); at != definitions_.end(); ++at) {
    if (!at->second->deleted) continue;
    if (oldest == definitions_.end() || at->second->changed_s < oldest->second->changed_s) {
      oldest = at;
    }
  }
  definitions_.erase(oldest);
}

void PoolCatalog::forget_deleted(std::uint64_t now_s) {
  std::erase_if(definitions_, [&](const auto& entry) {
    return entry.second->deleted && entry.second->changed_s + kTombstoneSeconds <= now_s;
  });
}

}  // namespace kiln::coordinator
