#include "client/cli/question.h"

#include <utility>

namespace kiln::client {

Result<std::string> read_reply(wire::Envelope envelope) {
  if (const auto* refused = std::get_if<wire::Refused>(&envelope.message)) {
    return fail(Errc::unavailable, "the agent refused: " + refused->reason);
  }
  const auto* reply = std::get_if<wire::CommandReply>(&envelope.message);
  if (reply == nullptr) return fail(Errc::corrupt, "the agent's answer is of another kind");
  if (!reply->error.empty()) return fail(Errc::invalid_argument, reply->error);
  return envelope.raw.empty() ? std::string("{}") : std::move(envelope.raw.front());
}

wire::Command describe_command(const PeopleCommand& line, const Caller& caller) {
  return wire::Command{line.name, line.arguments, caller.cwd, caller.environment};
}

Result<std::string> ask(const PeopleCommand& line, const Caller& caller,
                        const Interrupt* interrupt) {
  KILN_TRY_ASSIGN(AgentLinkOptions options, link_options(caller));
  // Whoever asks may just have mended what kept the agent from starting.
  options.start_again = true;
  if (interrupt != nullptr) options.interrupt = interrupt->fd();
  KILN_TRY_ASSIGN(const UniqueFd fd, connect_to_agent(options));
  auto envelope = ask_agent(fd.get(), describe_command(line, caller), options);
  if (envelope) return read_reply(std::move(*envelope));
  if (envelope.error().code == Errc::cancelled && interrupt != nullptr) {
    (void)interrupt->comes_within({});
    return fail(Errc::cancelled,
                "interrupted before the answer came; kiln pools lists which pools there are");
  }
  return fail(envelope.error());
}

}  // namespace kiln::client
