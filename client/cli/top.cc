#include "client/cli/top.h"

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "client/cli/question.h"
#include "client/cli/signals.h"
#include "client/cli/terminal.h"
#include "client/cli/top_looks.h"
#include "client/cli/top_page.h"
#include "client/cli/top_screen.h"
#include "client/launcher/local_run.h"

namespace kiln::client {
namespace {

PeopleCommand question_of(const char* name) {
  PeopleCommand question;
  question.name = name;
  return question;
}

class LivePage {
 public:
  LivePage(const PeopleCommand& line, const Caller& caller)
      : colour_(render_options(caller.environment).colour), looks_(caller, line.interval) {
    screen_.emplace();
  }

  // Until the page is left; the signal that ended it, if one did.
  std::optional<int> run() {
    while (!view_.leaves) {
      draw();
      std::vector<struct pollfd> items = looks_.items();
      items.push_back({signals_.fd(), POLLIN, 0});
      items.push_back({screen_->keys_fd(), POLLIN, 0});
      ::poll(items.data(), items.size(), milliseconds_until(looks_.due()));
      if (items.back().revents != 0 && !take_keys_of_terminal()) return SIGHUP;
      while (const auto signal = signals_.take()) {
        if (*signal == SIGINT) view_.leaves = true;
        if (*signal == SIGTERM || *signal == SIGHUP) return signal;
      }
      looks_.go_on(items);
    }
    return std::nullopt;
  }

 private:
  static int milliseconds_until(TimePoint due) {
    const auto left = std::chrono::ceil<milliseconds>(due - Clock::now()).count();
    return static_cast<int>(std::max<milliseconds::rep>(left, 0));
  }

  void draw() {
    const ScreenSize size = TopScreen::size();
    const TopPage page =
        looks_.farm() ? top_page(*looks_.farm(), view_, size) : top_page_before(view_, size);
    view_ = page.view;
    std::vector<std::string> lines;
    lines.reserve(page.lines.size());
    for (const StyledLine& line : page.lines) lines.push_back(terminal_text(line, colour_));
    screen_->show(lines);
  }

  // False: nobody is there any more.
  bool take_keys_of_terminal() {
    if (!screen_->read_keys(typed_)) return false;
    for (const TopKey key : take_keys(typed_)) {
      if (key == TopKey::suspend) suspend();
      view_ = step(view_, key);
    }
    return true;
  }

  // As the terminal does it with programs that leave Ctrl-Z to it.
  void suspend() {
    screen_.reset();
    ::kill(0, SIGTSTP);
    screen_.emplace();
  }

  const bool colour_;
  const Signals signals_{SIGINT, SIGTERM, SIGHUP, SIGWINCH};  // outlive the screen's taking over
  std::optional<TopScreen> screen_;
  TopLooks looks_;
  TopView view_;
  std::string typed_;
};

Status print_page(const Caller& caller) {
  TopAnswers answers{ask(question_of("status"), caller), {}, {}, {}};
  if (!answers.status) return fail(answers.status.error());
  answers.nodes = ask(question_of("nodes"), caller);
  answers.pools = ask(question_of("pools"), caller);
  answers.tasks = ask(question_of("tasks"), caller);
  const RenderOptions options = render_options(caller.environment);
  for (const StyledLine& line : top_report(top_farm(answers), options.width)) {
    std::string text = terminal_text(line, options.colour);
    text.erase(text.find_last_not_of(' ') + 1);
    write_fully(STDOUT_FILENO, text + "\n");
  }
  return {};
}

// As every command does. If it cannot be had, the page says why, and goes on looking for one that
// others start: it would keep one from staying stopped.
void start_agent_if_need_be(const Caller& caller) {
  auto options = link_options(caller);
  if (!options) return;
  options->start_again = true;
  (void)connect_to_agent(*options);
}

std::optional<int> show_live(const PeopleCommand& line, const Caller& caller) {
  LivePage page(line, caller);
  return page.run();
}

}  // namespace

Status show_top(const PeopleCommand& line, const Caller& caller) {
  if (::isatty(STDOUT_FILENO) != 1 || is_dumb(caller.environment)) return print_page(caller);
  start_agent_if_need_be(caller);
  // The terminal is as it was by now: the signal may do what it does.
  if (const auto signal = show_live(line, caller)) ::raise(*signal);
  return {};
}

}  // namespace kiln::client
