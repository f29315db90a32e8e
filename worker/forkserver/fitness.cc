#include "worker/forkserver/fitness.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace kiln::worker {
namespace {

// The allocator's variables are read before main by most C libraries and by allocators that stand
// in for theirs.
constexpr std::array<std::string_view, 5> kPrefixes = {"LD_", "GLIBC_TUNABLES=", "MALLOC_", "MUSL",
                                                       "GCONV_PATH="};

bool ends_with(const std::vector<std::filesystem::path>& all,
               const std::vector<std::filesystem::path>& last) {
  return all.size() >= last.size() && std::equal(last.rbegin(), last.rend(), all.rbegin());
}

}  // namespace

bool is_read_before_main(const std::string& variable) {
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&variable](auto prefix) { return variable.starts_with(prefix); });
}

bool may_fork(const Candidate& task, const HeldFiles& held, const ExistsIn& exists) {
  if (task.path != held.path || !ends_with(task.lowers, held.program.lowers)) return false;
  if (std::any_of(task.environment.begin(), task.environment.end(), is_read_before_main)) {
    return false;
  }
  const auto inputs = task.lowers.size() - held.program.lowers.size();
  for (std::size_t i = 0; i < inputs; ++i) {
    for (const auto& file : held.files) {
      if (exists(task.lowers[i], file)) return false;
    }
  }
  return true;
}

}  // namespace kiln::worker
