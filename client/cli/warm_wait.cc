#include "client/cli/warm_wait.h"

#include <csignal>
#include <utility>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/signalfd.h>
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

// Ctrl-C as something to wait for, so that the terminal's line can be ended and it can be said what
// goes on. Where it was ignored, it still is.
class Interrupt {
 public:
  Interrupt() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigprocmask(SIG_BLOCK, &set, &before_);
    fd_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Interrupt() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Whether it has come, or comes within `time`. It is taken, so that it does not kill afterwards.
  bool comes_within(milliseconds time) const {
    struct pollfd item {};
    item.fd = fd_.get();
    item.events = POLLIN;
    struct signalfd_siginfo taken {};
    return ::poll(&item, 1, static_cast<int>(time.count())) > 0 &&
           ::read(fd_.get(), &taken, sizeof taken) > 0;
  }

 private:
  sigset_t before_{};
  UniqueFd fd_;
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
                                    const Caller& caller) {
  Json first = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  const std::string pool = name_of_pool(first);
  if (pool.empty()) return answer;
  const PeopleCommand question = question_about(pool, first);
  const TimePoint deadline = Clock::now() + line.timeout;
  const Interrupt interrupt;
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
