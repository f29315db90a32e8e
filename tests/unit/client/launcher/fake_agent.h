// An agent in a thread, which does with each connection what the test says.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/wire/codec.h"

namespace kiln::client {

class FakeAgent {
 public:
  // Called with each connection in turn, on the agent's thread; it is closed afterwards.
  using Handler = std::function<void(int fd)>;

  // `greets`: as an agent does at once, before the handler is called.
  FakeAgent(const std::string& socket, Handler handler, bool greets = true);
  ~FakeAgent();

  // A handler that takes one request, keeps it in `seen`, and answers.
  static Handler answering(wire::Message answer, wire::Frames raw = {},
                           std::vector<wire::Message>* seen = nullptr);

 private:
  void serve();

  UniqueFd listener_;
  Handler handler_;
  const bool greets_;
  std::thread thread_;
};

}  // namespace kiln::client
