// Which stream of one connection is which of another, and how many bytes may be on their way on
// each: all that a coordinator knows of what travels through it. Who sends more than the other end
// takes would fill the coordinator's memory. Pure; whoever owns it carries the frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace kiln::coordinator {

// One end of a stream, as the coordinator has it.
struct RelayEnd {
  std::string peer;  // of a connection, unique among those of both sockets
  std::uint64_t stream = 0;
  friend auto operator<=>(const RelayEnd&, const RelayEnd&) = default;
};

class RelayHub {
 public:
  // `streams`: that one connection may have.
  explicit RelayHub(std::size_t streams = 4'096) : most_(streams) {}

  // Streams for that worker go to `peer` from now on; those of another connection of it go on
  // there.
  void worker_joined(const std::string& worker, std::uint64_t epoch, const std::string& peer);

  // Begins a stream from `agent`, which takes `credit` bytes at first, to the worker; gives its end
  // there. Errc::unavailable when the worker has no connection for streams here,
  // Errc::already_exists when the number is in use, Errc::resource_exhausted when either connection
  // has all that it may have.
  Result<RelayEnd> open(const RelayEnd& agent, const std::string& worker, std::uint64_t epoch,
                        std::uint64_t credit);
  // The worker has taken it, and takes `credit` bytes at first. This and the next two give the
  // other end; Errc::not_found: there is no such stream (any more), Errc::corrupt: nobody would,
  // the stream must end.
  Result<RelayEnd> take(const RelayEnd& worker, std::uint64_t credit);
  // `end` takes so many bytes more.
  Result<RelayEnd> grant(const RelayEnd& end, std::uint64_t bytes);
  // `end` sends so many bytes.
  Result<RelayEnd> pass(const RelayEnd& end, std::uint64_t bytes);
  // Ends it; gives the other end, which is to be told. Nothing when there is none.
  std::optional<RelayEnd> close(const RelayEnd& end);
  // A connection is gone: all its streams end. Gives their other ends, in order of their numbers.
  std::vector<RelayEnd> gone(const std::string& peer);

  std::size_t streams() const { return ends_.size() / 2; }

 private:
  struct Half {
    RelayEnd far;
    std::uint64_t credit = 0;  // that the far end has granted to this one
    bool taken = false;        // of a worker's
  };
  std::size_t count_of(const std::string& peer) const;
  Half* find(const RelayEnd& end);

  std::size_t most_;
  std::uint64_t last_ = 0;  // number of a stream towards workers
  std::map<std::pair<std::string, std::uint64_t>, std::string> workers_;  // by name and epoch
  std::map<RelayEnd, Half> ends_;                                         // both of each
  std::map<std::string, std::size_t> counts_;
};

}  // namespace kiln::coordinator
