#include "client/agent/local_runs.h"

#include <utility>

#include <sys/epoll.h>

namespace kiln::client {

LocalRuns::~LocalRuns() {
  for (const auto& [fd, process] : processes_) reactor_.unwatch_fd(fd);
}

void LocalRuns::watch(UniqueFd process, BuildBook::JobId job) {
  if (!process.valid() || processes_.size() >= kMost) return;
  const int fd = process.get();
  const auto watched = reactor_.watch_fd(fd, EPOLLIN, [this, fd, job](std::uint32_t) {
    reactor_.unwatch_fd(fd);
    ended_(BuildBook::JobId(job));
    processes_.erase(fd);
  });
  if (watched) processes_[fd] = std::move(process);
}

}  // namespace kiln::client
