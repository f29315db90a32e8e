// `kiln doctor`: checks each thing that can be wrong, and says how to mend it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/agent/doctor_checks.h"
#include "common/base/result.h"
#include "common/wire/messages.h"

namespace kiln::client {

class Agent;
struct UnitOutcome;

class Doctor {
 public:
  using Done = std::function<void(Result<std::string>)>;

  explicit Doctor(Agent& agent) : agent_(agent) {}

  // Looks at the caller's environment and cwd; ends with a real compile of a small file on a
  // worker. `done` gets the JSON of client/cli/README.md.
  void examine(const wire::Command& command, Done done);

 private:
  struct Visit;
  void settings(const std::shared_ptr<Visit>& visit);
  void farm(const std::shared_ptr<Visit>& visit);
  void toolchain(const std::shared_ptr<Visit>& visit);
  void probe(const std::shared_ptr<Visit>& visit);
  static void finish(const std::shared_ptr<Visit>& visit);

  Agent& agent_;
};

}  // namespace kiln::client
