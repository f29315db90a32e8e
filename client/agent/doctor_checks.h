// What `kiln doctor` concludes from what it found out: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/agent/farm_link.h"
#include "client/agent/settings.h"
#include "common/base/result.h"
#include "common/wire/messages.h"

namespace kiln::client {

struct Check {
  std::string name;
  bool ok = false;
  std::string detail;
  std::string mend;  // what to do; empty when ok
};

Check check_settings(const SettingFacts& facts);

// One check for each coordinator, and one of all versions; `own` is this program's.
std::vector<Check> check_coordinators(const std::vector<CoordinatorState>& coordinators,
                                      const Result<wire::FarmStatus>& farm, std::string_view own);

// Whether there are nodes that can run tasks, and room on one of them. Executors are started inside
// their namespaces, so a node that has any can make them; one that cannot drains until it can.
std::vector<Check> check_nodes(const Result<wire::FarmStatus>& farm);

// Whether a task could run: a node is ready and has executors.
bool can_run_tasks(const Result<wire::FarmStatus>& farm);

// `version` and `root` describe the toolchain when there is no `trouble`.
Check check_toolchain(const std::string& trouble, const std::string& version,
                      const std::string& root);
Check check_probe(const Status& status);

}  // namespace kiln::client
