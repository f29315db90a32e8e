#include "worker/pools/proof_book.h"

#include <algorithm>

namespace kiln::worker {
namespace {

// Toolchains come and go; what is forgotten is proven again.
constexpr std::size_t kMostVerdicts = 1024;

}  // namespace

ProofBook::Verdict ProofBook::verdict(const Program& program) const {
  const auto known = verdicts_.find(program);
  return known == verdicts_.end() ? Verdict{} : known->second;
}

bool ProofBook::begin(PlaceId place, const std::vector<Program>& programs) {
  const auto is_being_proven = [this](const Program& one) { return provers_.contains(one); };
  if (std::any_of(programs.begin(), programs.end(), is_being_proven)) return false;
  for (const auto& program : programs) {
    if (!verdicts_.contains(program)) provers_[program] = place;
  }
  return true;
}

void ProofBook::found(const Program& program, Verdict verdict) {
  // What was proven once stays so, whatever becomes of one executor.
  if (this->verdict(program).proof == Proof::held) return;
  if (verdicts_.size() >= kMostVerdicts) verdicts_.clear();
  verdicts_[program] = std::move(verdict);
}

void ProofBook::ended(PlaceId place) {
  std::erase_if(provers_, [place](const auto& item) { return item.second == place; });
}

void ProofBook::forgive(const Program& program) {
  if (verdict(program).proof != Proof::held) verdicts_.erase(program);
}

}  // namespace kiln::worker
