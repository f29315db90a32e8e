#include "client/cli/cli.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/cli/command_line.h"
#include "client/cli/keys.h"
#include "client/cli/node_wait.h"
#include "client/cli/question.h"
#include "client/cli/render.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/terminal_block.h"
#include "client/cli/top.h"
#include "client/cli/warm_wait.h"
#include "client/launcher/local_run.h"
#include "client/slots/local_slots.h"

namespace kiln::client {
namespace {

constexpr int kWrong = 1;
constexpr int kWrongWords = 2;
constexpr int kInterrupted = 130;  // as shells say it of Ctrl-C
constexpr std::size_t kPlainWidth = 80;
constexpr int kStopMilliseconds = 30000;

int print(const PeopleCommand& line, const std::string& json, const Caller& caller) {
  const auto rendered = render(line.name, json, render_options(caller.environment));
  if (!rendered) {
    complain(rendered.error().message);
    return kWrong;
  }
  write_fully(STDOUT_FILENO, line.json ? json + "\n" : rendered->text);
  // A pool that was only looked at was found, whatever is wrong with it.
  const bool only_looks = line.name == "pool" && !line.waits;
  return rendered->ok || only_looks ? 0 : kWrong;
}

// A good -j needs an answer even without an agent: makefiles have it in backquotes.
int show_jobs_here(const PeopleCommand& line, const Caller& caller) {
  return print(line, json_object("jobs", static_cast<long>(default_slot_count())), caller);
}

// People read it, so no line is wider than a terminal.
void say_wrong(const std::string& text) {
  constexpr std::size_t kPrefix = 6;  // of complain()
  complain(wrap(text, kPrefix, kPlainWidth));
}

int say_failure(const Error& error) {
  say_wrong(error.message);
  return error.code == Errc::cancelled ? kInterrupted : kWrong;
}

// Says on a terminal what goes on, if `words` tell it, until the answer is there.
Result<std::string> ask_saying(const std::string& words, const PeopleCommand& line,
                               const Caller& caller, const Interrupt* interrupt = nullptr) {
  TerminalBlock block(caller.environment);
  if (!words.empty()) block.show({fit(words, TerminalBlock::size().columns - 1)});
  return ask(line, caller, interrupt);
}

std::string meanwhile(const PeopleCommand& line) {
  if (!line.brings.empty()) return "packaging " + line.brings + ", and bringing it to a node";
  if (line.name == "doctor") return "trying settings, coordinators, nodes and a compile";
  return {};
}

// These may last: toolchains are packaged, executors get ready.
int ask_about_pools(const PeopleCommand& line, const Caller& caller) {
  const Interrupt interrupt;
  auto json = ask_saying(meanwhile(line), line, caller, &interrupt);
  if (!json) return say_failure(json.error());
  if (!line.waits) return print(line, *json, caller);
  const auto waited = wait_for_warmth(line, std::move(*json), caller, interrupt);
  if (!waited) return say_failure(waited.error());
  const int code = print(line, waited->answer, caller);
  return waited->lack ? say_failure(*waited->lack) : code;
}

int change_node(const PeopleCommand& line, const Caller& caller) {
  const Interrupt interrupt;
  if (const auto done = ask(line, caller, &interrupt); !done) return say_failure(done.error());
  const auto waited = wait_for_node(line, caller, interrupt);
  if (!waited) return say_failure(waited.error());
  return print(line, *waited, caller);
}

// It has but one form, and may be too large to be looked through.
bool is_timeline(const PeopleCommand& line) {
  return line.name == "trace" && line.arguments.front() == "show";
}

int write_answer(const std::string& json) {
  write_fully(STDOUT_FILENO, json);
  write_fully(STDOUT_FILENO, "\n");
  return 0;
}

int ask_and_print(const PeopleCommand& line, const Caller& caller) {
  if (line.name == "drain" || line.name == "resume") return change_node(line, caller);
  if (line.name == "pool" || line.name == "warm") return ask_about_pools(line, caller);
  const auto json = ask_saying(meanwhile(line), line, caller);
  if (json && is_timeline(line)) return write_answer(*json);
  if (json) return print(line, *json, caller);
  if (line.name == "jobs") return show_jobs_here(line, caller);
  if (line.name == "doctor") return print(line, doctor_without_agent(json.error().message), caller);
  return say_failure(json.error());
}

// Opened before the request, so that the number cannot be another process's by then.
bool wait_for_end(const UniqueFd& process) {
  struct pollfd item {};
  item.fd = process.get();
  item.events = POLLIN;
  int count = 0;
  do {
    count = ::poll(&item, 1, kStopMilliseconds);
  } while (count < 0 && errno == EINTR);
  return count > 0;
}

Result<UniqueFd> open_peer_process(int socket) {
  struct ucred peer {};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return fail_errno("cannot see which process the agent is", errno);
  }
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0U)));
  if (!process.valid()) return fail_errno("cannot watch the agent's process", errno);
  return process;
}

Result<std::string> stop_agent(const PeopleCommand& line, const Caller& caller) {
  KILN_TRY_ASSIGN(const AgentLinkOptions options, link_options(caller));
  KILN_TRY_ASSIGN(const UniqueFd fd, connect_to_running_agent(options));
  KILN_TRY_ASSIGN(const UniqueFd process, open_peer_process(fd.get()));
  KILN_TRY_ASSIGN(wire::Envelope envelope,
                  ask_agent(fd.get(), describe_command(line, caller), options));
  KILN_TRY_ASSIGN(std::string json, read_reply(std::move(envelope)));
  if (!wait_for_end(process)) {
    return fail(Errc::timed_out,
                "the agent at " + options.socket + " has not ended in 30 s; kill that process");
  }
  return json;
}

int stop_and_print(const PeopleCommand& line, const Caller& caller) {
  const auto json = stop_agent(line, caller);
  if (json) {
    write_fully(STDOUT_FILENO, line.json ? *json + "\n" : "the agent has stopped\n");
    return 0;
  }
  if (json.error().code == Errc::not_found) {
    write_fully(STDOUT_FILENO, line.json ? "{}\n" : "no agent is running\n");
    return 0;
  }
  say_wrong(json.error().message);
  return kWrong;
}

int do_keys_and_print(const PeopleCommand& line, const Caller& caller) {
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const std::size_t width = render_options(caller.environment).width;
  const KeysDone done = do_keys(line.keys, caller.environment, width, today);
  write_fully(STDOUT_FILENO, done.text);
  for (const Error& problem : done.problems) say_wrong(problem.message);
  return done.problems.empty() ? 0 : kWrong;
}

int show_version(const PeopleCommand& line) {
  const std::string version = KILN_VERSION;
  write_fully(STDOUT_FILENO,
              (line.json ? json_object("version", version) : "kiln " + version) + "\n");
  return 0;
}

}  // namespace

int run_command_line(const std::vector<std::string>& words, const Caller& caller) {
  const auto line = parse_people_command(words);
  if (!line) {
    say_wrong(line.error().message);
    return kWrongWords;
  }
  switch (line->kind) {
    case PeopleCommand::Kind::help:
      write_fully(STDOUT_FILENO, help_text(*line));
      return 0;
    case PeopleCommand::Kind::version:
      return show_version(*line);
    case PeopleCommand::Kind::run:
      return make_call(CallRequest{line->command, "run", line->inputs, line->outputs}, caller);
    case PeopleCommand::Kind::keys:
      return do_keys_and_print(*line, caller);
    case PeopleCommand::Kind::ask:
    case PeopleCommand::Kind::top:
      break;
  }
  if (is_task_of_kiln(caller.environment)) {
    complain("this is a task of Kiln's (KILN_EXECUTOR is set): it has no agent and makes no pools");
    return kWrong;
  }
  if (line->kind == PeopleCommand::Kind::top) {
    const auto shown = show_top(*line, caller);
    return shown ? 0 : say_failure(shown.error());
  }
  return line->name == "agent" ? stop_and_print(*line, caller) : ask_and_print(*line, caller);
}

}  // namespace kiln::client
