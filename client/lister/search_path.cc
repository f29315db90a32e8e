#include "client/lister/search_path.h"

#include <algorithm>

namespace kiln::client {
namespace {

constexpr std::string_view kQuoteHead = "#include \"...\" search starts here:";
constexpr std::string_view kAngledHead = "#include <...> search starts here:";
constexpr std::string_view kEnd = "End of search list.";
constexpr std::string_view kInstallation = "Selected GCC installation: ";

}  // namespace

Result<SearchPath> parse_search_path(std::string_view text) {
  SearchPath path;
  std::vector<std::string>* list = nullptr;
  bool ended = false;
  while (!text.empty() && !ended) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line == kQuoteHead) {
      list = &path.quote;
    } else if (line == kAngledHead) {
      list = &path.angled;
    } else if (line == kEnd) {
      ended = list != nullptr;
    } else if (line.starts_with(kInstallation)) {
      path.gcc_installation = line.substr(kInstallation.size());
    } else if (list != nullptr && line.starts_with(' ')) {
      list->emplace_back(line.substr(1));
    }
  }
  if (!ended) {
    return fail(Errc::corrupt, "read the compiler's search path: -v printed no such list");
  }
  return path;
}

}  // namespace kiln::client
