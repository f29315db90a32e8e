#include "client/timeline/lanes.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

namespace kiln::client {
namespace {

template <typename T>
using LeastFirst = std::priority_queue<T, std::vector<T>, std::greater<>>;

}  // namespace

std::vector<std::size_t> assign_lanes(const std::vector<Span>& spans) {
  std::vector<std::size_t> order(spans.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t one, std::size_t other) {
    return spans[one].begin < spans[other].begin;
  });
  LeastFirst<std::pair<std::int64_t, std::size_t>> taken;  // until when, which lane
  LeastFirst<std::size_t> free;
  std::vector<std::size_t> lanes(spans.size());
  std::size_t count = 0;
  for (const std::size_t at : order) {
    while (!taken.empty() && taken.top().first <= spans[at].begin) {
      free.push(taken.top().second);
      taken.pop();
    }
    if (free.empty()) free.push(count++);
    lanes[at] = free.top();
    free.pop();
    taken.emplace(spans[at].end, lanes[at]);
  }
  return lanes;
}

}  // namespace kiln::client
