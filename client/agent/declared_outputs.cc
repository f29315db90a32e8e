#include "client/agent/declared_outputs.h"

#include <algorithm>

#include "client/paths/paths.h"

namespace kiln::client {

std::vector<std::string> not_written(const Task& task, const TaskResult& result) {
  std::vector<std::string> missing;
  for (const auto& path : task.outputs) {
    if (std::none_of(result.outputs.begin(), result.outputs.end(),
                     [&path](const OutputFile& written) { return written.path == path; }))
      missing.push_back(path);
  }
  return missing;
}

void require_outputs(const wire::Call& call, const std::vector<std::string>& missing,
                     CallEnd& end) {
  const bool well = end.kind == CallEnd::Kind::done && end.exit_code == 0 && end.signal == 0;
  if (call.kind != "run" || !well) return;
  for (const auto& output : call.outputs) {
    if (std::find(missing.begin(), missing.end(), absolute_path(call.cwd, output)) == missing.end())
      continue;
    end.exit_code = 1;
    end.reason = "output_missing";
    end.err +=
        "kiln: the command ended well, but did not write " + output + ", which --output declares\n";
  }
}

}  // namespace kiln::client
