// `kiln log`: how the logs of the farm's processes stand, and what is to be changed.
#include <utility>

#include <nlohmann/json.hpp>

#include "client/agent/agent.h"
#include "client/agent/answer.h"
#include "client/agent/commands.h"
#include "common/config/units.h"

namespace kiln::client {
namespace {

using nlohmann::json;

json log_json(const std::string& target, const Result<wire::LogState>& state) {
  json log = {{"target", target}, {"parts", json::array()}};
  if (!state) {
    log["error"] = state.error().message;
    return log;
  }
  for (const auto& part : state->parts) {
    log["parts"].push_back({{"part", part.name},
                            {"level", part.level},
                            {"then", part.then},
                            {"left_ms", part.left_ms}});
  }
  return log;
}

Result<wire::LogState> log_state_of(const Result<wire::Message>& answer) {
  if (!answer) return fail(answer.error());
  const auto* state = std::get_if<wire::LogState>(&*answer);
  if (state == nullptr) return fail(Errc::corrupt, "an answer of another kind");
  return *state;
}

}  // namespace

// Of the coordinator, if `change` names no node.
void Commands::ask_about_log(const wire::LogChange& change,
                             std::function<void(const Result<wire::LogState>&)> done) {
  const auto make = [change](std::uint64_t request) {
    auto numbered = change;
    numbered.request = request;
    return wire::Message(numbered);
  };
  agent_.farm_->ask(make, [done = std::move(done)](const Result<wire::Message>& answer) {
    done(log_state_of(answer));
  });
}

void Commands::log(const wire::Command& command, const Done& done) {
  const auto& words = command.arguments;
  if (words.empty()) {
    // The agent's are worth having whatever is with the coordinator.
    const auto own = log_json("agent", agent_.log_desk_->serve({}, ""));
    return ask_about_log({}, [own, done](const Result<wire::LogState>& state) {
      done(text_of(json{{"logs", json::array({own, log_json("coordinator", state)})}}));
    });
  }
  const std::string& target = words.front();
  wire::LogChange change;
  if (words.size() > 1) change.levels = words[1];
  if (words.size() > 2) {
    const auto lasts = config::parse_number(words[2], 0, std::uint64_t{1} << 40U);
    if (!lasts) return done(fail(lasts.error()));
    change.lasts_ms = *lasts;
  }
  const auto show = [target, done](const Result<wire::LogState>& state) {
    if (!state) return done(fail(state.error()));
    done(text_of(json{{"logs", json::array({log_json(target, state)})}}));
  };
  if (target == "agent") return show(agent_.log_desk_->serve(change, "its user"));
  if (target != "coordinator") change.node = target;
  ask_about_log(change, show);
}

}  // namespace kiln::client
