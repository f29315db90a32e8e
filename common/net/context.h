// The I/O threads that all sockets of a process share.
#pragma once

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

 private:
  void* handle_;
};

}  // namespace kiln::net
