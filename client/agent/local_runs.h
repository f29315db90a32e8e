// When the calls end that launchers run themselves.
//
// Such a launcher becomes the compiler by exec, so its process ends with it; the kernel tells.
#pragma once

#include <cstddef>
#include <functional>
#include <map>

#include "client/timeline/build_book.h"
#include "common/base/unique_fd.h"
#include "common/net/reactor.h"

namespace kiln::client {

class LocalRuns {
 public:
  using Ended = std::function<void(BuildBook::JobId)>;

  // On the reactor's thread.
  LocalRuns(net::Reactor& reactor, Ended ended) : reactor_(reactor), ended_(std::move(ended)) {}
  ~LocalRuns();
  LocalRuns(const LocalRuns&) = delete;
  LocalRuns& operator=(const LocalRuns&) = delete;

  // `process`: a pidfd. Without one, or with many at once, nobody will know when the job ended: a
  // timeline is not worth the descriptors that calls need.
  void watch(UniqueFd process, BuildBook::JobId job);

 private:
  static constexpr std::size_t kMost = 512;

  net::Reactor& reactor_;
  Ended ended_;
  std::map<int, UniqueFd> processes_;
};

}  // namespace kiln::client
