#include "client/launcher/call.h"

#include <algorithm>
#include <csignal>

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/launcher/invocation.h"
#include "client/launcher/local_run.h"
#include "client/paths/paths.h"
#include "client/paths/root_view.h"

namespace kiln::client {
namespace {

constexpr int kCallFailed = 1;

std::uint32_t current_umask() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return mask;
}

wire::Call describe_call(const CallRequest& request, const Caller& caller,
                         const FoundProgram& found) {
  wire::Call call;
  call.argv = argv_for(found, request.argv);
  call.cwd = caller.cwd;
  call.environment = caller.environment;
  call.umask = current_umask();
  call.kind = request.kind;
  call.inputs = request.inputs;
  call.outputs = request.outputs;
  call.program = found.path;
  call.stdout_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  call.stderr_is_terminal = ::isatty(STDERR_FILENO) == 1;
  const RootView root = own_root_view();
  call.root_device = root.device;
  call.root_inode = root.inode;
  call.mount_namespace = root.mount_namespace;
  return call;
}

int run_here(const std::string& program, const CallRequest& request, const FoundProgram& found,
             bool wants_slot, const Caller& caller) {
  const bool held = wants_slot && take_local_slot(caller.environment);
  return execute(program, argv_for(found, request.argv), held);
}

// Dies as the remote command died, without a core dump of this process in its name.
int die_of(int number) {
  const struct rlimit none {};
  ::setrlimit(RLIMIT_CORE, &none);
  ::signal(number, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, number);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(number);
  return 128 + number;  // a signal that does not kill
}

int finish(const wire::CallDone& done, const wire::Frames& raw) {
  if (!raw.empty()) write_fully(STDOUT_FILENO, raw[0]);
  if (raw.size() > 1) write_fully(STDERR_FILENO, raw[1]);
  return done.signal != 0 ? die_of(done.signal) : done.exit_code;
}

// Without an agent nobody can say whether the call could have run remotely; -c and -S usually can.
bool must_run_remotely(const CallRequest& request, const Environment& environment) {
  if (!is_switched_off(environment, "KILN_FALLBACK")) return false;
  return request.kind == "run" ||
         std::any_of(request.argv.begin(), request.argv.end(),
                     [](const std::string& word) { return word == "-c" || word == "-S"; });
}

int run_without_agent(const CallRequest& request, const FoundProgram& found, const Caller& caller,
                      const Error& why) {
  if (must_run_remotely(request, caller.environment)) {
    complain("KILN_FALLBACK=0 forbids to run this here: " + why.message);
    return kCallFailed;
  }
  if (found.path.empty()) {
    complain("cannot run '" + request.argv.front() +
             "' here, where it is not found: " + why.message);
    return kNoProgram;
  }
  // A build tool under a slot would keep its own compilers from taking any.
  const bool wants_slot = is_compiler_name(request.argv.front()) || request.kind == "run";
  return run_here(found.path, request, found, wants_slot, caller);
}

Result<wire::Envelope> ask(const wire::Call& call, const Caller& caller) {
  if (caller.cwd.empty()) return fail(Errc::not_found, "the current directory does not exist");
  KILN_TRY_ASSIGN(const AgentLinkOptions options, link_options(caller));
  KILN_TRY_ASSIGN(const UniqueFd fd, connect_to_agent(options));
  return ask_agent(fd.get(), call, options);
}

int obey(const wire::Envelope& answer, const CallRequest& request, const FoundProgram& found,
         const Caller& caller) {
  if (const auto* done = std::get_if<wire::CallDone>(&answer.message)) {
    return finish(*done, answer.raw);
  }
  if (const auto* failed = std::get_if<wire::CallFailed>(&answer.message)) {
    complain(failed->reason);
    return kCallFailed;
  }
  if (const auto* locally = std::get_if<wire::CallLocally>(&answer.message)) {
    const std::string& program = locally->program.empty() ? found.path : locally->program;
    if (program.empty()) {
      return run_without_agent(request, found, caller, Error{Errc::not_found, locally->reason});
    }
    return run_here(program, request, found, locally->wants_slot, caller);
  }
  const auto* refused = std::get_if<wire::Refused>(&answer.message);
  const std::string why = refused != nullptr ? "the agent refused the call: " + refused->reason
                                             : "the agent gave an answer of another kind";
  return run_without_agent(request, found, caller, Error{Errc::unavailable, why});
}

int refuse_unknown(const std::string& name, const Error& error) {
  std::string text = error.message;
  if (const std::string near = nearest_word(name, subcommands()); !near.empty()) {
    text += ", and Kiln has no such command; did you mean 'kiln " + near + "'?";
  }
  complain(text);
  return kNoProgram;
}

// Whether the command may want what is in its standard input, or may still come there: that does
// not travel. A terminal is for interrupts, and a pipe that is closed and empty has nothing.
bool has_input() {
  struct stat info {};
  if (::fstat(STDIN_FILENO, &info) != 0) return false;
  if (S_ISREG(info.st_mode)) return ::lseek(STDIN_FILENO, 0, SEEK_CUR) < info.st_size;
  if (!S_ISFIFO(info.st_mode) && !S_ISSOCK(info.st_mode)) return false;
  struct pollfd item {};
  item.fd = STDIN_FILENO;
  item.events = POLLIN;
  const bool hung_up = ::poll(&item, 1, 0) > 0 && (item.revents & POLLIN) == 0;
  char first = 0;
  const bool ended =
      S_ISSOCK(info.st_mode) && ::recv(STDIN_FILENO, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  return !hung_up && !ended;
}

int run_with_input(const CallRequest& request, const FoundProgram& found, const Caller& caller) {
  if (!is_switched_off(caller.environment, "KILN_FALLBACK"))
    return run_here(found.path, request, found, true, caller);
  complain(
      "kiln run sends no standard input, and KILN_FALLBACK=0 forbids to run this here; give it "
      "</dev/null, or a file with --input");
  return kCallFailed;
}

}  // namespace

Result<AgentLinkOptions> link_options(const Caller& caller) {
  AgentLinkOptions options;
  KILN_TRY_ASSIGN(options.socket, socket_path(caller.environment, ::geteuid()));
  options.agent = agent_program(caller.environment, caller.self);
  options.environment = caller.environment;
  options.insists = is_switched_off(caller.environment, "KILN_FALLBACK");
  return options;
}

int make_call(const CallRequest& request, const Caller& caller) {
  const Environment& environment = caller.environment;
  const std::string& name = request.argv.front();
  auto found = find_program(name, caller.cwd, environment, caller.self);
  if (!found && request.kind == "run") found = FoundProgram{};
  if (!found) return refuse_unknown(name, found.error());
  const bool plainly = is_switched_on(environment, "KILN_DISABLE") || is_task_of_kiln(environment);
  if (plainly && !found->path.empty()) {
    return execute(found->path, argv_for(*found, request.argv), false);
  }
  if (value_of(environment, "KILN_MODE") == "local" && !found->path.empty()) {
    return run_here(found->path, request, *found, is_compiler_name(name), caller);
  }
  if (request.kind == "run" && has_input() && !found->path.empty())
    return run_with_input(request, *found, caller);
  const auto answer = ask(describe_call(request, caller, *found), caller);
  if (!answer) return run_without_agent(request, *found, caller, answer.error());
  return obey(*answer, request, *found, caller);
}

}  // namespace kiln::client
