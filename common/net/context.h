// The I/O threads that all sockets of a process share.
#pragma once

#include <atomic>
#include <cstdint>

namespace kiln::net {

class Context {
 public:
  explicit Context(int io_threads = 1);
  // REQUIRES: every Router and Dealer made with it is gone, else it waits for them.
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // For common/net only.
  void* handle() const { return handle_; }
  // Never the same twice, for names inside the context.
  std::uint64_t next_number() { return ++last_number_; }

 private:
  void* handle_;
  std::atomic<std::uint64_t> last_number_ = 0;
};

}  // namespace kiln::net
