// The definitions of pools by name. Of two under one name the higher version counts; of two with
// the same version a deletion, else the one changed last, else the one whose text sorts higher: so
// that coordinators and workers that hear them in any order end with the same ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/model/pool.h"

namespace kiln::coordinator {

using DefinitionPtr = std::shared_ptr<const PoolDefinition>;  // never changed once made

struct Created {
  DefinitionPtr definition;
  bool existed = false;
};

class PoolCatalog {
 public:
  static constexpr std::size_t kMaxPools = 1'000;
  // Deleted ones that are remembered; beyond it the oldest go before their time.
  static constexpr std::size_t kMaxTombstones = 4'000;
  // Of the text of all definitions, so that all of them fit into one message.
  static constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
  static constexpr std::uint64_t kTombstoneSeconds = std::uint64_t{30} * 24 * 3600;

  // `now_s`, here and below: seconds since 1970. The same definition again: existed.
  // Errc::already_exists says how the one that is there differs; Errc::invalid_argument,
  // Errc::resource_exhausted.
  Result<Created> create(const PoolSpec& spec, std::uint64_t now_s);
  // Likewise, but another definition under the name is replaced.
  Result<Created> put(const PoolSpec& spec, std::uint64_t now_s);
  // Errc::not_found, Errc::invalid_argument.
  Result<DefinitionPtr> resize(const std::string& name, std::uint32_t executors,
                               std::uint64_t now_s);
  Result<DefinitionPtr> remove(const std::string& name, std::uint64_t now_s);
  // Takes over what somebody else knows; true when it counts from now on.
  bool learn(const PoolDefinition& definition, std::uint64_t now_s);
  // Drops what was deleted long enough ago.
  void forget_deleted(std::uint64_t now_s);

  // nullptr: there is no such pool (any more).
  DefinitionPtr find(const std::string& name) const;
  // Likewise, but a deleted one too.
  DefinitionPtr known(const std::string& name) const;
  // By name, with those that were deleted.
  std::vector<DefinitionPtr> all() const;
  std::size_t pools() const { return pools_; }

 private:
  Result<DefinitionPtr> changeable(const std::string& name) const;
  Status has_room_for(const PoolSpec& spec) const;
  DefinitionPtr define(PoolSpec spec, bool deleted, std::uint64_t now_s);
  void store(PoolDefinition definition);
  void drop_oldest_deleted();

  std::map<std::string, DefinitionPtr> definitions_;
  std::size_t pools_ = 0;  // not deleted
  std::size_t bytes_ = 0;  // of their text
  std::uint64_t newest_ = 0;
};

}  // namespace kiln::coordinator
