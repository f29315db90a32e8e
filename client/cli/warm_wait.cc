#include "client/cli/warm_wait.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "client/cli/question.h"
#include "client/cli/render_pools.h"
#include "client/cli/terminal_block.h"
#include "client/cli/warm_progress.h"

namespace kiln::client {
namespace {

constexpr auto kInterval = milliseconds(50);

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

std::string lateness(const std::string& pool, Duration limit, const Warmth& warmth) {
  return "the pool " + pool + " is not as warm as asked after " +
         std::to_string(static_cast<long>(in_seconds(limit))) + " s; it waits for " +
         warmth.waits_for + "; it goes on warming: kiln pool show " + pool;
}

}  // namespace

Result<Waited> wait_for_warmth(const PeopleCommand& line, std::string answer, const Caller& caller,
                               const Interrupt& interrupt) {
  Json first = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  const std::string pool = name_of_pool(first);
  if (pool.empty()) return Waited{std::move(answer), {}};
  const PeopleCommand question = question_about(pool, first);
  const TimePoint deadline = Clock::now() + line.timeout;
  WarmProgress progress(Clock::now());
  TerminalBlock block(caller.environment);
  while (true) {
    KILN_TRY_ASSIGN(const auto text, ask(question, caller));
    const Json now = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    const Warmth warmth = warmth_of(now, line.warm);
    const bool late = !warmth.settled && Clock::now() >= deadline;
    if (warmth.settled || late) {
      first["pools"] = member(now, "pools");
      Waited waited{first.dump(-1, ' ', false, Json::error_handler_t::replace), {}};
      if (late) waited.lack = Error{Errc::timed_out, lateness(pool, line.timeout, warmth)};
      return waited;
    }
    block.show(progress.rows(now, line.warm, Clock::now(), TerminalBlock::size()));
    if (interrupt.comes_within(kInterval)) {
      return fail(Errc::cancelled,
                  "interrupted; the pool " + pool + " goes on warming: kiln pool show " + pool);
    }
  }
}

}  // namespace kiln::client
