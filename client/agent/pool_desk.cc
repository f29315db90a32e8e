#include "client/agent/pool_desk.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/agent/agent.h"
#include "client/agent/answer.h"
#include "client/agent/pool_files.h"
#include "client/inputs/file_system.h"
#include "client/paths/paths.h"
#include "client/paths/program.h"
#include "common/base/files.h"

namespace kiln::client {
namespace {

using nlohmann::json;

// "all" or a number of executors.
Status read_count(const std::string& word, std::uint32_t& count, bool& all) {
  all = word == "all";
  if (all) return {};
  const auto* end = word.data() + word.size();
  const auto read = std::from_chars(word.data(), end, count);
  if (read.ec == std::errc() && read.ptr == end) return {};
  return fail(Errc::invalid_argument, "\"" + word + "\" is no number of executors, nor \"all\"");
}

json answer_json(const wire::PoolAnswer& answer) {
  json pools = json::array();
  for (const auto& pool : answer.pools) pools.push_back(json_of(pool));
  return {{"existed", answer.existed}, {"pools", pools}};
}

// How many of `digests`, and of the pool's own toolchains that run there, a node has not staged.
std::uint64_t lacks(const wire::FarmStatus& farm, const wire::PoolStatus& pool,
                    const std::string& node, const std::vector<std::string>& digests) {
  const auto found =
      std::find_if(farm.nodes.begin(), farm.nodes.end(),
                   [&](const wire::NodeStatus& one) { return one.node.name == node; });
  if (found == farm.nodes.end()) return 0;
  std::vector<std::string> wanted = digests;
  for (const auto& toolchain : pool.definition.spec.toolchains) {
    if (toolchain.architecture == found->node.architecture)
      wanted.push_back(toolchain.digest.hex());
  }
  const auto& staged = found->occupancy.toolchains;
  return static_cast<std::uint64_t>(
      std::count_if(wanted.begin(), wanted.end(), [&](const std::string& hex) {
        return std::none_of(staged.begin(), staged.end(),
                            [&](const Digest& one) { return one.hex() == hex; });
      }));
}

// A bare name means what it means to the caller: toolchains have the same paths where they run.
Status find_programs(PoolSpec& spec, const wire::Command& command) {
  std::vector<std::vector<std::string>*> commands;
  for (auto& step : spec.init) commands.push_back(&step);
  commands.push_back(&spec.probe);
  for (auto* argv : commands) {
    if (argv->empty()) continue;
    const auto found = find_program(argv->front(), command.cwd, command.environment, "");
    if (!found) return fail(found.error().within(argv == &spec.probe ? "--probe" : "--init"));
    argv->front() = found->path;
  }
  for (auto& path : spec.keep_resident) path = absolute_path(command.cwd, path);
  return {};
}

// A first toolchain that cannot be had is refused by who provides it.
Status check_files(ToolchainCache& cache, const PoolWishes& wishes, const wire::Command& command) {
  if (wishes.commands.empty()) return {};
  const std::string& first = wishes.commands.front();
  const ToolchainQuery query{first, command.cwd, command.environment,
                             "",    false,       is_compiler_name(first)};
  const auto answer = cache.find(query);
  if (!answer || !answer->toolchain) return {};
  return check_pool_files(wishes.spec, *answer->toolchain, first);
}

json plan_json(const BuildPlan& plan) {
  return {{"calls", plan.calls},
          {"travel", plan.travel},
          {"local", plan.local},
          {"compilers", plan.compilers}};
}

}  // namespace

void PoolDesk::answer(const Question& command, const Done& done) {
  if (command.name == "pools") return show(command, done);
  if (command.name == "warm") return warm(command, done);
  if (command.arguments.size() < 2)
    return done(fail(Errc::invalid_argument, "kiln pool: an action and a pool are needed"));
  const std::string& action = command.arguments.front();
  if (action == "create") return create(command, done);
  if (action == "show") return show(command, done);
  change(command, done);
}

void PoolDesk::create(const Question& command, const Done& done) {
  auto wishes = pool_wishes_of(command.arguments[1]);
  if (!wishes) return done(fail(wishes.error()));
  if (const auto found = find_programs(wishes->spec, command); !found)
    return done(fail(found.error()));
  auto checked = std::make_shared<Status>();
  agent_.reactor_->offload(
      *agent_.work_,
      [&cache = agent_.preparer_->toolchains(), command, wishes = *wishes, checked] {
        *checked = check_files(cache, wishes, command);
      },
      [this, command, wishes = *wishes, checked, done] {
        if (!*checked) return done(fail(checked->error()));
        wire::PoolChange change;
        change.action = "create";
        change.spec = wishes.spec;
        change.count = wishes.warm;
        change.all = wishes.all;
        send_with_toolchains(command, std::move(change), wishes.commands, nullptr, done);
      });
}

void PoolDesk::change(const Question& command, const Done& done) {
  wire::PoolChange change;
  change.action = command.arguments.front();
  change.spec.name = command.arguments[1];
  change.all = change.action == "warm" || change.action == "wake";
  if (command.arguments.size() > 2) {
    const auto read = read_count(command.arguments[2], change.count, change.all);
    if (!read) return done(fail(read.error().within("kiln pool " + change.action)));
  }
  send(std::move(change), nullptr, done);
}

void PoolDesk::show(const Question& command, const Done& done) {
  const std::string name = command.name == "pools" ? "" : command.arguments[1];
  std::vector<std::string> digests;
  if (command.arguments.size() > 2)
    digests.assign(command.arguments.begin() + 2, command.arguments.end());
  agent_.farm_->query([this, name, digests, done](const Result<wire::FarmStatus>& farm) {
    if (!farm) return done(fail(farm.error()));
    agent_.farm_->ask(
        [name](std::uint64_t request) {
          return wire::PoolQuery{request, name};
        },
        [farm = *farm, name, digests, done](const Result<wire::Message>& message) {
          if (!message) return done(fail(message.error()));
          const auto* answer = std::get_if<wire::PoolAnswer>(&*message);
          if (answer == nullptr) return done(fail(Errc::corrupt, "an answer of another kind"));
          if (!name.empty() && answer->pools.empty()) {
            return done(
                fail(Errc::not_found, "there is no pool \"" + name + "\"; kiln pools lists them"));
          }
          json shown = answer_json(*answer);
          for (std::size_t i = 0; i < answer->pools.size(); ++i) {
            for (auto& node : shown["pools"][i]["nodes"])
              node["lacks"] = lacks(farm, answer->pools[i], node["node"], digests);
          }
          done(text_of(shown));
        });
  });
}

// Of the members of a pool only `name`, `toolchains`, `warm` and `all` mean something here.
void PoolDesk::warm(const Question& command, const Done& done) {
  if (command.arguments.empty())
    return done(fail(Errc::invalid_argument, "kiln warm: what to warm is missing"));
  auto wishes = pool_wishes_of(command.arguments.front());
  if (!wishes) return done(fail(wishes.error()));
  if (wishes->spec.name.empty()) wishes->spec.name = kDefaultPool;
  if (command.arguments.size() < 2)
    return warm_commands(command, std::move(*wishes), nullptr, done);
  plan_and_warm(command, std::move(*wishes), absolute_path(command.cwd, command.arguments[1]),
                done);
}

void PoolDesk::plan_and_warm(const Question& command, PoolWishes wishes,
                             const std::string& database, const Done& done) {
  auto read = std::make_shared<Result<BuildPlan>>(BuildPlan());
  agent_.reactor_->offload(
      *agent_.work_,
      [read, database, environment = command.environment] {
        const auto text = read_file(database);
        const RealFileSystem files;
        if (!text) {
          *read = fail(text.error());
          return;
        }
        *read = read_build_plan(*text, environment, files);
        if (!*read) *read = fail(read->error().within(database));
      },
      [this, command, wishes = std::move(wishes), read, database, done] {
        if (!*read) return done(fail(read->error()));
        warm_commands(command, wishes, std::make_shared<BuildPlan>(std::move(**read)), done);
      });
}

void PoolDesk::warm_commands(const Question& command, PoolWishes wishes,
                             const std::shared_ptr<BuildPlan>& plan, const Done& done) {
  auto commands = std::move(wishes.commands);
  if (plan) commands.insert(commands.end(), plan->compilers.begin(), plan->compilers.end());
  if (plan && plan->compilers.empty())
    return done(text_of(json{{"plan", plan_json(*plan)}, {"pools", json::array()}}));
  wire::PoolChange change;
  change.action = "warm";
  change.spec.name = wishes.spec.name;
  change.count = wishes.warm;
  change.all = wishes.all || wishes.warm == 0;
  send_with_toolchains(command, std::move(change), std::move(commands), plan, done);
}

void PoolDesk::send_with_toolchains(const Question& command, wire::PoolChange change,
                                    std::vector<std::string> commands,
                                    const std::shared_ptr<BuildPlan>& plan, const Done& done) {
  auto settings = call_settings(agent_.settings_, command.environment);
  if (!settings) return done(fail(settings.error()));
  agent_.toolchains_->provide(
      std::move(commands), command.cwd, command.environment, *settings, command.asker,
      [this, change, plan, done](const Result<std::vector<PoolToolchain>>& toolchains) mutable {
        if (!toolchains) return done(fail(toolchains.error()));
        change.spec.toolchains = *toolchains;
        send(std::move(change), plan, done);
      });
}

void PoolDesk::send(wire::PoolChange change, const std::shared_ptr<BuildPlan>& plan,
                    const Done& done) {
  const auto toolchains = change.spec.toolchains;
  agent_.farm_->ask(
      [change = std::move(change)](std::uint64_t request) mutable {
        change.request = request;
        return change;
      },
      [toolchains, plan, done](const Result<wire::Message>& message) {
        if (!message) return done(fail(message.error()));
        const auto* answer = std::get_if<wire::PoolAnswer>(&*message);
        if (answer == nullptr) return done(fail(Errc::corrupt, "an answer of another kind"));
        json shown = answer_json(*answer);
        shown["toolchains"] = json::array();
        for (const auto& one : toolchains)
          shown["toolchains"].push_back({{"name", one.name}, {"digest", one.digest.hex()}});
        if (plan) shown["plan"] = plan_json(*plan);
        done(text_of(shown));
      });
}

}  // namespace kiln::client
