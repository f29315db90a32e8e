#include "worker/server/executor_fleet.h"

#include <algorithm>
#include <set>
#include <utility>

namespace kiln::worker {
ExecutorFleet::ExecutorFleet(const Parts& parts, Hooks hooks)
    : parts_(parts),
      hooks_(std::move(hooks)),
      keeper_(
          {parts.reactor, parts.pool, parts.stager, parts.peers, parts.log},
          {[this](const Digest& toolchain) { toolchain_staged(toolchain); },
           [this](const std::string& pool, Duration took) { hooks_.toolchain_took(pool, took); },
           [this](const Digest& toolchain, const std::string& reason, bool lasting) {
             toolchain_failed(toolchain, reason, lasting);
           }}),
      initialiser_(parts.reactor, parts.removals, parts.host,
                   [this](PlaceId place, const InitialiserEnd& end) {
                     if (!end.succeeded) {
                       parts_.log.warning(
                           "initializer_failed",
                           {{"pool", pool_of(place)}, {"place", place}, {"reason", end.reason}});
                     }
                     hooks_.initialised(place, end);
                   }) {
  terms_[kDefaultPool].definition.spec.name = kDefaultPool;
}

std::string ExecutorFleet::pool_of(PlaceId place) const {
  const auto found = members_.find(place);
  return found == members_.end() ? "" : found->second.pool;
}

const PoolSpec& ExecutorFleet::spec(const std::string& pool) const {
  const auto found = terms_.find(pool);
  return (found == terms_.end() ? terms_.at(kDefaultPool) : found->second).definition.spec;
}

std::vector<PoolToolchain> ExecutorFleet::own(const std::string& pool) const {
  return own_toolchains(spec(pool), parts_.architecture);
}

void ExecutorFleet::set_terms(const PoolTerms& terms) {
  const std::string& name = terms.definition.spec.name;
  terms_[name] = terms;
  fallbacks_.erase(name);
  std::set<Digest> wanted;
  for (const auto& toolchain : terms.stage) {
    if (toolchain.architecture == parts_.architecture) wanted.insert(toolchain.digest);
  }
  if (terms.selected) {
    for (const auto& toolchain : own(name)) wanted.insert(toolchain.digest);
  }
  keeper_.want(name, {wanted.begin(), wanted.end()}, terms.sources);
}

Limits ExecutorFleet::limits(const std::string& pool) const {
  return spec(pool).limits;
}

std::vector<Digest> ExecutorFleet::needs(const std::string& pool) const {
  const PoolSpec& wanted = spec(pool);
  const bool holds = wanted.context == PoolContext::forkserver;
  const bool initialises = !wanted.init.empty() || !wanted.probe.empty();
  std::vector<Digest> needed;
  for (const auto& toolchain : own(pool)) {
    if (holds || (initialises && needed.empty())) needed.push_back(toolchain.digest);
  }
  return needed;
}

std::optional<Digest> ExecutorFleet::lacks(const std::string& pool) const {
  for (const auto& digest : needs(pool)) {
    if (keeper_.tree(digest) == nullptr) return digest;
  }
  return std::nullopt;
}

// ---- Executors ----------------------------------------------------------------------------------

void ExecutorFleet::try_again(const std::string& pool) {
  keeper_.try_again(pool);
  for (const auto& program : programs(pool)) proofs_.forgive(program);
}

// Files that do not come are waited for: the pool hears of each try that fails.
void ExecutorFleet::create(const CreateExecutor& wish) {
  auto& member = members_[wish.place] = {};
  member.pool = wish.pool;
  member.from_template = wish.from_template;
  make(wish.place);
}

void ExecutorFleet::toolchain_staged(const Digest& toolchain) {
  std::vector<PlaceId> complete;
  for (const auto& [place, member] : members_) {
    if (member.waits_for_files && !lacks(member.pool)) complete.push_back(place);
  }
  for (const auto place : complete) {
    hooks_.begun(place);
    make(place);
  }
  std::vector<std::string> touched;
  for (const auto& [name, terms] : terms_) {
    const auto own_ones = own(name);
    const auto is_it = [&](const PoolToolchain& one) { return one.digest == toolchain; };
    if (std::any_of(own_ones.begin(), own_ones.end(), is_it) ||
        std::any_of(terms.stage.begin(), terms.stage.end(), is_it)) {
      touched.push_back(name);
    }
  }
  for (const auto& name : touched) {
    if (!lacks(name)) hooks_.staged(name);
    hooks_.changed(name);
  }
}

void ExecutorFleet::toolchain_failed(const Digest& toolchain, const std::string& reason,
                                     bool lasting) {
  std::vector<std::string> affected;
  for (const auto& [name, terms] : terms_) {
    const auto needed = needs(name);
    const bool needs_it = std::find(needed.begin(), needed.end(), toolchain) != needed.end();
    if (terms.selected && needs_it) affected.push_back(name);
  }
  for (const auto& name : affected) {
    parts_.log.warning("toolchain_not_staged",
                       {{"pool", name}, {"toolchain", toolchain.hex()}, {"reason", reason}});
    hooks_.staging_failed(name,
                          "the toolchain " + toolchain.short_hex() +
                              " could not be staged and is tried again: " + reason,
                          lasting);
  }
}

void ExecutorFleet::make(PlaceId place) {
  Member& member = members_.at(place);
  member.waits_for_files = lacks(member.pool).has_value();
  if (member.waits_for_files) return;
  auto to_prove = programs(member.pool);
  if (!proofs_.begin(place, to_prove)) return;
  ExecutorSpec wanted;
  const auto parent = templates_.find(member.pool);
  if (member.from_template && parent != templates_.end()) wanted.parent = parent->second;
  wanted.held = to_hold(member.pool);
  const auto id = parts_.host.create(wanted);
  if (id) {
    place_of_[*id] = place;
    member.id = *id;
    member.programs = std::move(to_prove);
    for (const auto& digest : needs(member.pool)) {
      member.holds.push_back(keeper_.tree(digest)->hold);
    }
    return;
  }
  parts_.log.error("executor_not_made", {{"pool", member.pool}, {"error", id.error()}});
  members_.erase(place);
  proofs_.ended(place);
  parts_.reactor.defer([this, place, reason = id.error().message] {
    hooks_.lost(place, reason);
    make_waiting();
  });
}

std::vector<ProofBook::Program> ExecutorFleet::programs(const std::string& pool) const {
  std::vector<ProofBook::Program> programs;
  if (spec(pool).context != PoolContext::forkserver) return programs;
  for (const auto& one : own(pool)) programs.emplace_back(one.digest, one.program);
  return programs;
}

std::vector<HeldProgram> ExecutorFleet::to_hold(const std::string& pool) const {
  std::vector<HeldProgram> held;
  for (const auto& program : programs(pool)) {
    const auto known = proofs_.verdict(program);
    held.push_back({keeper_.tree(program.first)->lowers, program.second,
                    known.proof == ProofBook::Proof::held, known.problem});
  }
  return held;
}

void ExecutorFleet::make_waiting() {
  std::vector<PlaceId> waiting;
  for (const auto& [place, member] : members_) {
    if (!member.id && !member.waits_for_files) waiting.push_back(place);
  }
  for (const auto place : waiting) make(place);
}

void ExecutorFleet::stop(PlaceId place) {
  const auto found = members_.find(place);
  initialiser_.drop(place);
  if (found != members_.end() && found->second.id) return parts_.host.stop(*found->second.id);
  if (found != members_.end()) members_.erase(found);
  parts_.reactor.defer([this, place] { hooks_.stopped(place); });
}

void ExecutorFleet::initialise(const InitialiseExecutor& wish) {
  const auto executor = on(wish.place);
  const auto toolchains = own(wish.pool);
  const auto* tree = toolchains.empty() ? nullptr : keeper_.tree(toolchains.front().digest);
  if (executor && tree != nullptr) {
    return initialiser_.run(wish.place, *executor, spec(wish.pool), tree->lowers);
  }
  parts_.reactor.defer([this, place = wish.place] {
    hooks_.initialised(place, {false, "the initializer's toolchain is gone", "", 0});
  });
}

void ExecutorFleet::executor_ready(ExecutorId id) {
  const auto place = place_of_.find(id);
  if (place == place_of_.end()) return;
  note_proofs(place->second, id);
  note_fallback(members_.at(place->second).pool, id);
  hooks_.ready(place->second);
  make_waiting();
}

void ExecutorFleet::note_proofs(PlaceId place, ExecutorId id) {
  const auto& programs = members_.at(place).programs;
  const auto facts = parts_.host.held(id);
  for (std::size_t i = 0; i < std::min(facts.size(), programs.size()); ++i) {
    const auto& fact = facts[i];
    auto proof = fact.lasting ? ProofBook::Proof::unfit : ProofBook::Proof::open;
    if (fact.problem.empty()) proof = ProofBook::Proof::held;
    proofs_.found(programs[i], {proof, fact.lasting ? fact.problem : ""});
  }
  proofs_.ended(place);
}

// All programs that cannot be held make a forkserver what spawn is.
void ExecutorFleet::note_fallback(const std::string& pool, ExecutorId id) {
  if (spec(pool).context != PoolContext::forkserver) return;
  const auto facts = parts_.host.held(id);
  const bool any = std::any_of(facts.begin(), facts.end(),
                               [](const HeldFact& fact) { return fact.problem.empty(); });
  fallbacks_.erase(pool);
  if (any) return;
  fallbacks_[pool] = facts.empty() ? "the pool names no program for this machine"
                                   : facts.front().program + ": " + facts.front().problem;
}

std::optional<PlaceId> ExecutorFleet::forget(ExecutorId id) {
  const auto found = place_of_.find(id);
  if (found == place_of_.end()) return std::nullopt;
  const PlaceId place = found->second;
  place_of_.erase(found);
  members_.erase(place);
  initialiser_.drop(place);
  proofs_.ended(place);
  return place;
}

void ExecutorFleet::executor_died(ExecutorId id, const Error& reason) {
  const auto known = place_of_.find(id);
  if (known == place_of_.end()) return;
  parts_.log.warning(
      "executor_lost",
      {{"pool", members_.at(known->second).pool}, {"place", known->second}, {"reason", reason}});
  hooks_.lost(*forget(id), reason.message);
  make_waiting();
}

void ExecutorFleet::executor_stopped(ExecutorId id) {
  if (const auto place = forget(id)) hooks_.stopped(*place);
  make_waiting();
}

std::optional<ExecutorId> ExecutorFleet::on(PlaceId place) const {
  const auto found = members_.find(place);
  return found == members_.end() ? std::nullopt : found->second.id;
}

std::vector<PlaceId> ExecutorFleet::places(const std::string& pool) const {
  std::vector<PlaceId> found;
  for (const auto& [place, member] : members_) {
    if (member.pool == pool) found.push_back(place);
  }
  return found;
}

// ---- Templates ----------------------------------------------------------------------------------

void ExecutorFleet::create_template(const std::string& pool) {
  const auto made = parts_.host.create_template(TemplateSpec{});
  if (made) {
    templates_[pool] = *made;
    return;
  }
  parts_.log.error("template_not_made", {{"pool", pool}, {"error", made.error()}});
  parts_.reactor.defer(
      [this, pool, reason = made.error().message] { hooks_.template_lost(pool, reason); });
}

void ExecutorFleet::stop_template(const std::string& pool) {
  const auto found = templates_.find(pool);
  if (found == templates_.end()) return;
  parts_.host.stop_template(found->second);
  templates_.erase(found);
}

void ExecutorFleet::template_ready(TemplateId id) {
  for (const auto& [pool, known] : templates_) {
    if (known == id) return hooks_.template_ready(std::string(pool));
  }
}

void ExecutorFleet::template_died(TemplateId id, const Error& reason) {
  const auto found = std::find_if(templates_.begin(), templates_.end(),
                                  [id](const auto& item) { return item.second == id; });
  if (found == templates_.end()) return;
  const std::string pool = found->first;
  parts_.log.warning("template_lost", {{"pool", pool}, {"reason", reason}});
  templates_.erase(found);
  hooks_.template_lost(pool, reason.message);
}

// ---- How they stand -----------------------------------------------------------------------------

void ExecutorFleet::describe(PoolOnNode& pool) const {
  const auto standing = keeper_.standing(pool.name);
  pool.staged = standing.staged;
  pool.stage_us = microseconds_of(standing.took);
  const auto fallback = fallbacks_.find(pool.name);
  if (fallback == fallbacks_.end()) return;
  pool.context = PoolContext::spawn;
  pool.fallback = fallback->second;
}

ExecutorFleet::Resident ExecutorFleet::resident(const std::string& pool) const {
  Resident resident;
  const auto toolchains = own(pool);
  const auto* tree = toolchains.empty() ? nullptr : keeper_.tree(toolchains.front().digest);
  if (tree == nullptr) return resident;
  resident.hold = tree->hold;
  resident.roots = tree->lowers;
  resident.files = spec(pool).keep_resident;
  return resident;
}

}  // namespace kiln::worker
