#include "coordinator/relay/hub.h"

#include <utility>

namespace kiln::coordinator {
namespace {

// No end has reason to grant more at once: a count that grows beyond is a mistake or an attack.
constexpr std::uint64_t kMostCredit = std::uint64_t{1} << 32;

tl::unexpected<Error> no_stream(const RelayEnd& end) {
  return fail(Errc::not_found, "there is no stream " + std::to_string(end.stream));
}

}  // namespace

void RelayHub::worker_joined(const std::string& worker, std::uint64_t epoch,
                             const std::string& peer) {
  workers_[{worker, epoch}] = peer;
}

std::size_t RelayHub::count_of(const std::string& peer) const {
  const auto found = counts_.find(peer);
  return found == counts_.end() ? 0 : found->second;
}

Result<RelayEnd> RelayHub::open(const RelayEnd& agent, const std::string& worker,
                                std::uint64_t epoch, std::uint64_t credit) {
  const auto found = workers_.find({worker, epoch});
  if (found == workers_.end()) {
    return fail(Errc::unavailable,
                "the worker \"" + worker + "\" cannot be reached through this coordinator");
  }
  if (ends_.contains(agent)) {
    return fail(Errc::already_exists, "the stream " + std::to_string(agent.stream) + " is in use");
  }
  if (count_of(agent.peer) >= most_ || count_of(found->second) >= most_) {
    return fail(Errc::resource_exhausted,
                "a connection may have " + std::to_string(most_) + " streams at once");
  }
  const RelayEnd end{found->second, ++last_};
  ends_[agent] = Half{end};
  ends_[end] = Half{agent, credit};
  ++counts_[agent.peer];
  ++counts_[end.peer];
  return end;
}

RelayHub::Half* RelayHub::find(const RelayEnd& end) {
  const auto found = ends_.find(end);
  return found == ends_.end() ? nullptr : &found->second;
}

Result<RelayEnd> RelayHub::take(const RelayEnd& worker, std::uint64_t credit) {
  Half* half = find(worker);
  if (half == nullptr) return no_stream(worker);
  if (std::exchange(half->taken, true)) {
    return fail(Errc::corrupt, "the stream was taken before");
  }
  return grant(worker, credit);
}

Result<RelayEnd> RelayHub::grant(const RelayEnd& end, std::uint64_t bytes) {
  Half* half = find(end);
  if (half == nullptr) return no_stream(end);
  Half& far = ends_[half->far];
  if (bytes > kMostCredit - far.credit) {
    return fail(Errc::corrupt, "an end grants more than any would");
  }
  far.credit += bytes;
  return half->far;
}

Result<RelayEnd> RelayHub::pass(const RelayEnd& end, std::uint64_t bytes) {
  Half* half = find(end);
  if (half == nullptr) return no_stream(end);
  if (bytes > half->credit) {
    return fail(Errc::corrupt, "an end sends more than the other takes");
  }
  half->credit -= bytes;
  return half->far;
}

std::optional<RelayEnd> RelayHub::close(const RelayEnd& end) {
  const auto found = ends_.find(end);
  if (found == ends_.end()) return std::nullopt;
  const RelayEnd far = found->second.far;
  ends_.erase(found);
  ends_.erase(far);
  for (const auto& peer : {end.peer, far.peer}) {
    const auto count = counts_.find(peer);
    if (--count->second == 0) counts_.erase(count);
  }
  return far;
}

std::vector<RelayEnd> RelayHub::gone(const std::string& peer) {
  std::vector<std::uint64_t> numbers;
  for (auto end = ends_.lower_bound({peer, 0}); end != ends_.end() && end->first.peer == peer;
       ++end) {
    numbers.push_back(end->first.stream);
  }
  std::vector<RelayEnd> told;
  for (const auto number : numbers) {
    if (auto far = close({peer, number})) told.push_back(std::move(*far));
  }
  std::erase_if(workers_, [&](const auto& worker) { return worker.second == peer; });
  return told;
}

}  // namespace kiln::coordinator
