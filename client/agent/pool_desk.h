// `kiln pool`, `kiln pools` and `kiln warm`, as client/cli/README.md describes them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/agent/build_plan.h"
#include "client/agent/pool_json.h"
#include "client/agent/toolchain_desk.h"
#include "common/base/result.h"
#include "common/wire/messages.h"

namespace kiln::client {

class Agent;

class PoolDesk {
 public:
  using Done = std::function<void(Result<std::string>)>;
  // Nothing is changed for whoever is gone before its toolchains are ready.
  struct Question : wire::Command {
    ToolchainDesk::Asker asker;
  };

  explicit PoolDesk(Agent& agent) : agent_(agent) {}

  // `done` is called once, perhaps from within, with the JSON text.
  void answer(const Question& command, const Done& done);

 private:
  void create(const Question& command, const Done& done);
  void change(const Question& command, const Done& done);
  void show(const Question& command, const Done& done);
  void warm(const Question& command, const Done& done);
  void plan_and_warm(const Question& command, PoolWishes wishes, const std::string& database,
                     const Done& done);
  void warm_commands(const Question& command, PoolWishes wishes,
                     const std::shared_ptr<BuildPlan>& plan, const Done& done);
  // Finds the toolchains of `commands` first and puts them into the change.
  void send_with_toolchains(const Question& command, wire::PoolChange change,
                            std::vector<std::string> commands,
                            const std::shared_ptr<BuildPlan>& plan, const Done& done);
  void send(wire::PoolChange change, const std::shared_ptr<BuildPlan>& plan, const Done& done);

  Agent& agent_;
};

}  // namespace kiln::client
