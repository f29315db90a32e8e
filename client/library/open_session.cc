#include "client/library/open_session.h"

#include <string>
#include <utility>
#include <variant>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "client/paths/paths.h"
#include "client/paths/program.h"
#include "client/paths/root_view.h"
#include "common/wire/stream.h"

namespace kiln::v1 {
namespace {

void limit_waiting(int fd, Duration limit) {
  const auto whole = std::chrono::duration_cast<seconds>(limit);
  struct timeval value {};
  value.tv_sec = whole.count();
  value.tv_usec = std::chrono::duration_cast<std::chrono::microseconds>(limit - whole).count();
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
}

// The next message but greetings.
kiln::Result<wire::Envelope> receive_answer(int fd) {
  while (true) {
    KILN_TRY_ASSIGN(auto envelope, wire::receive_message(fd));
    if (!std::holds_alternative<wire::Pong>(envelope.message)) return envelope;
  }
}

// kiln-agent, wherever this installation has it.
std::string agent_beside(const client::Environment& environment) {
  const auto self = client::own_executable();
  std::string beside = client::agent_program(environment, self ? *self : "");
  if (::access(beside.c_str(), X_OK) == 0 || !client::value_of(environment, "KILN_AGENT").empty())
    return beside;
  const auto found = client::find_program("kiln-agent", "/", environment, "");
  return found ? found->path : beside;
}

}  // namespace

kiln::Result<OpenedSession> open_session(const client::AgentLinkOptions& options) {
  KILN_TRY_ASSIGN(UniqueFd fd, client::connect_to_agent(options));
  limit_waiting(fd.get(), options.greeting);
  const auto root = client::own_root_view();
  wire::SessionHello hello;
  hello.root_device = root.device;
  hello.root_inode = root.inode;
  hello.mount_namespace = root.mount_namespace;
  KILN_TRY(wire::send_message(fd.get(), hello));
  const auto answer = receive_answer(fd.get());
  const std::string who = "the agent at " + options.socket;
  if (!answer) {
    const bool is_silent = answer.error().code != Errc::version_mismatch;
    return fail(answer.error().within(
        is_silent ? who + " does not open a session; kill that process to get a new one" : who));
  }
  if (const auto* welcome = std::get_if<wire::SessionWelcome>(&answer->message))
    return OpenedSession{std::move(fd), welcome->tasks};
  return fail(Errc::unsupported,
              who + " knows no sessions; is it older than this program? stop it: kiln agent stop");
}

kiln::Result<client::AgentLinkOptions> agent_link_of(const Options& options,
                                                     const Environment& environment) {
  client::AgentLinkOptions link;
  link.socket = options.socket;
  if (link.socket.empty()) {
    KILN_TRY_ASSIGN(link.socket, client::socket_path(environment, ::geteuid()));
  }
  link.agent = options.agent.empty() ? agent_beside(environment) : options.agent;
  link.environment = environment;
  link.insists = true;
  return link;
}

}  // namespace kiln::v1
