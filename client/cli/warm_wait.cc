#include "client/cli/warm_wait.h"

#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "client/cli/question.h"
#include "client/cli/render_pools.h"
#include "client/cli/table.h"
#include "client/launcher/local_run.h"

namespace kiln::client {
namespace {

constexpr auto kInterval = milliseconds(50);
constexpr std::size_t kWidth = 79;

// One line of a terminal, written over the one before; none elsewhere.
class ProgressLine {
 public:
  ProgressLine() : shown_(::isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (shown_) write_fully(STDERR_FILENO, "\r\x1b[K");
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const std::string& text) {
    if (shown_) write_fully(STDERR_FILENO, "\r\x1b[K" + fit(text, kWidth));
  }

 private:
  bool shown_;
};

// Nothing: there is no pool to wait for.
std::string name_of_pool(const Json& answer) {
  const Json& pools = member(answer, "pools");
  return pools.is_array() && !pools.empty() ? text_of(pools.front(), "name") : "";
}

PeopleCommand question_about(const std::string& pool, const Json& answer) {
  PeopleCommand question;
  question.name = "pool";
  question.arguments = {"show", pool};
  for (const Json& toolchain : member(answer, "toolchains"))
    question.arguments.push_back(text_of(toolchain, "digest"));
  return question;
}

}  // namespace

Result<std::string> wait_for_warmth(const PeopleCommand& line, std::string answer,
                                    const Caller& caller, const Interrupt& interrupt) {
  Json first = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  const std::string pool = name_of_pool(first);
  if (pool.empty()) return answer;
  const PeopleCommand question = question_about(pool, first);
  const TimePoint deadline = Clock::now() + line.timeout;
  ProgressLine progress;
  while (true) {
    KILN_TRY_ASSIGN(const auto text, ask(question, caller));
    const Json now = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    const Warmth warmth = warmth_of(now, line.warm);
    if (warmth.settled) {
      first["pools"] = member(now, "pools");
      return first.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    if (Clock::now() >= deadline) {
      return fail(Errc::timed_out, "the pool " + pool + " is not as warm as asked after " +
                                       std::to_string(static_cast<long>(in_seconds(line.timeout))) +
                                       " s; it waits for " + warmth.waits_for +
                                       "; it goes on warming: kiln pool show " + pool);
    }
    progress.show(pool + " waits for " + warmth.waits_for);
    if (interrupt.comes_within(kInterval)) {
      return fail(Errc::cancelled,
                  "interrupted; the pool " + pool + " goes on warming: kiln pool show " + pool);
    }
  }
}

}  // namespace kiln::client
