// The I/O threads that all sockets of a process share.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "common/model/key.h"

namespace kiln::net {

class Context {
 public:
  explicit Context(int io_threads = 1);
  // REQUIRES: every Router and Dealer made with it is gone, else it waits for them.
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Who this program is: from then on every Router and Dealer made with it proves to own `keys`,
  // and speaks to nobody who does not prove a key that it expects. Before the first of them.
  void set_identity(const KeyPair& keys) { identity_ = keys; }
  // nullptr: nobody; connections are neither authenticated nor encrypted.
  const KeyPair* identity() const { return identity_ ? &*identity_ : nullptr; }

  // For common/net only.
  void* handle() const { return handle_; }
  // Never the same twice, for names inside the context.
  std::uint64_t next_number() { return ++last_number_; }

 private:
  void* handle_;
  std::optional<KeyPair> identity_;
  std::atomic<std::uint64_t> last_number_ = 0;
};

}  // namespace kiln::net
