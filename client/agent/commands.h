// Answers to people's commands, as the JSON that client/cli/README.md describes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/wire/messages.h"

namespace kiln::client {

class Agent;

class Commands {
 public:
  using Done = std::function<void(Result<std::string>)>;
  using Asker = std::weak_ptr<const void>;  // ends when nobody waits for the answer any more

  explicit Commands(Agent& agent) : agent_(agent) {}

  // `done` is called once, perhaps from within, with the JSON text.
  void answer(const wire::Command& command, const Asker& asker, Done done);

 private:
  void status(const wire::Command& command, const Done& done);
  void nodes(const Done& done);
  void tasks(const Done& done);
  void trace(const wire::Command& command, const Done& done);
  void change_node(const wire::Command& command, const Done& done);
  // log_command.cc
  void log(const wire::Command& command, const Done& done);
  void ask_about_log(const wire::LogChange& change,
                     std::function<void(const Result<wire::LogState>&)> done);
  std::string stats() const;
  Result<std::string> why(const wire::Command& command) const;
  Result<std::string> settings(const wire::Command& command) const;

  Agent& agent_;
};

}  // namespace kiln::client
