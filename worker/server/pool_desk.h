// Between coordinators and pools: takes their orders, keeps the definitions on the disk, and tells
// them how pools stand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "common/base/log.h"
#include "common/base/thread_pool.h"
#include "common/base/time.h"
#include "common/net/reactor.h"
#include "common/wire/messages.h"
#include "worker/pools/pool_book.h"
#include "worker/server/task_server.h"

namespace kiln::worker {

class PoolDesk {
 public:
  struct Parts {
    net::Reactor& reactor;
    ThreadPool& disk;  // of one thread: what was written last must stay
    Logger log;
  };
  using Send = std::function<void(const wire::PoolReport&)>;

  // `file`: of the definitions; read now, blocking. One that cannot be read is begun anew: the
  // coordinators have them too. `send`: to all coordinators that know this worker.
  PoolDesk(const Parts& parts, std::filesystem::path file, TaskServer& tasks, Send send);
  ~PoolDesk();

  // `coordinator`: its stable address. All coordinators are told of the pools when this turn of the
  // reactor is over.
  void ordered(const std::string& coordinator, const wire::PoolOrders& orders);
  // Whether the coordinator knows this worker now; call it once a minute or oftener.
  void look_after(const std::string& coordinator, bool here);
  // To be told to all coordinators, 100 ms later at most, with what changes until then.
  void changed(const std::string& pool);
  // As of PoolBook::order_number.
  std::uint64_t order_number(const std::string& coordinator, std::uint64_t epoch,
                             const std::string& pool) const {
    return book_.order_number(coordinator, epoch, pool);
  }
  // All pools and definitions, for a coordinator that has just welcomed this worker.
  wire::PoolReport complete() const;

 private:
  void load();
  void save();
  void report_at(TimePoint when);
  void report();

  Parts parts_;
  std::filesystem::path file_;
  TaskServer& tasks_;
  Send send_;
  PoolBook book_;
  std::set<std::string> changed_;
  bool news_ = false;  // definitions that coordinators may not know yet
  net::TimerId timer_ = 0;
  TimePoint due_{};  // of the timer
};

}  // namespace kiln::worker
