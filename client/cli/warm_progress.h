// How far each node of a pool is on its way to being warm, as a block of rows that a terminal draws
// over the one before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/cli/answer_text.h"
#include "client/cli/screen_size.h"
#include "common/base/time.h"

namespace kiln::client {

// Remembers when each node was first seen at its step: the time of a step that goes on is told by
// nobody.
class WarmProgress {
 public:
  explicit WarmProgress(TimePoint began) : began_(began) {}

  // Of the first pool of an answer to `pool`, of which `asked` executors are to be ready together
  // (0: all that are wanted): what is waited for, then a row for each node, those that lack
  // something first where there is no room for all. Each is narrower than the screen.
  std::vector<std::string> rows(const Json& answer, std::uint64_t asked, TimePoint now,
                                const ScreenSize& screen);

 private:
  struct Step {
    std::string word;
    TimePoint since;
  };

  std::vector<std::string> cells(const Json& pool, const Json& node, TimePoint now);

  TimePoint began_;
  std::map<std::string, Step> steps_;
};

// What a terminal `columns` wide has to be sent to show `rows` where it shows `before`, which
// begins at the start of a line and has the cursor below it; afterwards `rows` have.
std::string redraw(const std::vector<std::string>& before, const std::vector<std::string>& rows,
                   std::size_t columns);

}  // namespace kiln::client
