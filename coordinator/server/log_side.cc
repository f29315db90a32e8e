// Levels of logs: of this process, and of the workers', whom their questions are passed on to.
#include <utility>

#include "common/wire/codec.h"
#include "coordinator/server/limits.h"
#include "coordinator/server/server.h"

namespace kiln::coordinator {
namespace {

constexpr std::size_t kMaxLogQuestions = 64;  // that workers have not answered
// Agents wait for two seconds.
constexpr Duration kWorkersPatience = milliseconds(1500);

}  // namespace

void Server::from_client(const net::PeerId& peer, wire::LogChange& change) {
  const auto* session = known(peer, change.request);
  if (session == nullptr) return;
  if (const auto fine = check_limits(change); !fine)
    return reject(*clients_, peer, "too_long", change.request, fine.error());
  if (!change.levels.empty()) {
    if (const auto fine = check_admin(peer, "change", "what a process of the farm logs"); !fine)
      return refuse(*clients_, peer, change.request, fine.error());
  }
  if (!change.node.empty()) return ask_for_log(peer, change);
  const auto state = log_desk_.serve(change, session->user + "@" + session->host);
  if (!state) return refuse(*clients_, peer, change.request, state.error());
  send(*clients_, peer, *state);
}

void Server::ask_for_log(const net::PeerId& peer, const wire::LogChange& change) {
  const auto* found = worker_sessions_.peer_of(change.node);
  if (found == nullptr) {
    return refuse(*clients_, peer, change.request,
                  {Errc::not_found, "no node \"" + change.node +
                                        "\" is connected; kiln nodes lists those that are"});
  }
  if (log_questions_.size() >= kMaxLogQuestions) {
    return refuse(*clients_, peer, change.request,
                  {Errc::resource_exhausted,
                   "too many questions about logs wait for their answer; "
                   "try again later"});
  }
  const net::PeerId worker = *found;
  const auto number = log_questions_.add({worker, peer, change.request});
  const wire::LogChange passed{number, "", change.levels, change.lasts_ms};
  const auto sent = send(*workers_, worker, wire::kind_name(passed), wire::encode(passed));
  if (!sent) return answer_log(worker, number, fail(sent.error()));
  reactor_.call_after(kWorkersPatience, [this, alive = std::weak_ptr<bool>(alive_), worker, number,
                                         node = change.node] {
    if (alive.expired()) return;
    answer_log(worker, number,
               fail(Errc::timed_out, "the node \"" + node +
                                         "\" does not answer; is its version older than that of "
                                         "the coordinator? kiln nodes --json tells"));
  });
}

void Server::from_worker(const net::PeerId& peer, wire::LogState& state) {
  if (const auto fine = check_limits(state); !fine)
    return reject(*workers_, peer, "too_long", state.request, fine.error());
  const auto number = state.request;
  answer_log(peer, number, std::move(state));
}

// It refuses nothing else that it is asked under a number.
void Server::from_worker(const net::PeerId& peer, wire::Refused& refusal) {
  answer_log(peer, refusal.request, fail(errc_of(refusal.code), refusal.reason));
}

void Server::answer_log(const net::PeerId& worker, std::uint64_t number,
                        Result<wire::LogState> state) {
  const auto question = log_questions_.take(worker, number);
  if (!question) return;
  if (!state) return refuse(*clients_, question->agent, question->request, state.error());
  state->request = question->request;
  send(*clients_, question->agent, *state);
}

}  // namespace kiln::coordinator
