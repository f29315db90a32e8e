#include "coordinator/server/pool_json.h"

#include <nlohmann/json.hpp>

#include "coordinator/live/states.h"
#include "coordinator/server/described_json.h"

namespace kiln::coordinator {
namespace {

using Json = nlohmann::json;

// Text of peers need not be UTF-8.
std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string definitions_text(const std::vector<DefinitionPtr>& definitions) {
  Json list = Json::array();
  for (const auto& definition : definitions) list.push_back(JsonWriter<Json>::of(*definition));
  return text_of({{"pools", list}});
}

Result<std::vector<PoolDefinition>> definitions_of(const std::string& text) {
  const auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("pools")) {
    return fail(Errc::corrupt, "it is no JSON object with a list of pools");
  }
  std::vector<PoolDefinition> definitions;
  KILN_TRY(JsonReader<Json>::into(json["pools"], definitions, "pools"));
  return definitions;
}

std::vector<wire::PoolStatus> pool_statuses(const std::vector<PoolView>& views) {
  std::vector<wire::PoolStatus> statuses;
  for (const auto& view : views) {
    wire::PoolStatus status{*view.definition, {}, view.waiting};
    for (const auto& node : view.nodes) {
      status.nodes.push_back(
          {node.node, std::string(state_name(node.state)), node.wanted, node.answered, *node.pool});
    }
    statuses.push_back(std::move(status));
  }
  return statuses;
}

std::string pools_json(const std::vector<wire::PoolStatus>& pools) {
  return text_of({{"pools", JsonWriter<Json>::of(pools)}});
}

}  // namespace kiln::coordinator
