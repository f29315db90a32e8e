// Messages of workers.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "common/wire/codec.h"
#include "coordinator/server/limits.h"
#include "coordinator/server/server.h"

namespace kiln::coordinator {
namespace {

template <typename Kind>
constexpr bool kFromWorkers =
    std::is_same_v<Kind, wire::WorkerHello> || std::is_same_v<Kind, wire::OccupancyReport> ||
    std::is_same_v<Kind, wire::WorkerGoodbye> || std::is_same_v<Kind, wire::PoolReport> ||
    std::is_same_v<Kind, wire::Ping> || std::is_same_v<Kind, wire::RelayHello> ||
    std::is_same_v<Kind, wire::RelayOpen> || std::is_same_v<Kind, wire::RelayClose> ||
    std::is_same_v<Kind, wire::LogState> || std::is_same_v<Kind, wire::Refused>;

}  // namespace

void Server::worker_message(const net::PeerId& peer, wire::Frames frames) {
  if (const auto frame = relay_frame(frames))
    return relay_->carry(RelaySide::worker, peer, *frame, std::move(frames));
  auto envelope = wire::decode(std::move(frames));
  if (!envelope) {
    const bool version = envelope.error().code == Errc::version_mismatch;
    return reject(*workers_, peer, version ? "version" : "malformed", 0, envelope.error());
  }
  metrics_.received(wire::kind_name(envelope->message));
  std::visit(
      [&](auto& message) {
        using Kind = std::decay_t<decltype(message)>;
        if constexpr (kFromWorkers<Kind>) {
          from_worker(peer, message);
        } else if constexpr (!std::is_same_v<Kind, wire::Pong>) {
          reject(*workers_, peer, "unexpected", 0,
                 Error{Errc::invalid_argument,
                       "a worker does not send " + std::string(wire::kind_name(message)) +
                           " to the worker port of a coordinator; is it the right port?"});
        }
      },
      envelope->message);
}

void Server::worker_gone(const net::PeerId& peer) {
  relay_->gone(RelaySide::worker, peer);
  const auto session = worker_sessions_.take(peer);
  if (session) feed(WorkerGone{session->name, session->epoch, "closed"});
}

void Server::from_worker(const net::PeerId& peer, wire::WorkerHello& hello) {
  if (const auto fine = check_limits(hello); !fine) {
    return reject(*workers_, peer, "too_long", 0, fine.error());
  }
  if (const auto fine = check_keys(peer, hello.node); !fine) {
    return reject(*workers_, peer, "wrong_key", 0, fine.error());
  }
  const WorkerSession session{hello.node.name, hello.node.epoch};
  const auto* before = worker_sessions_.find(peer);
  const bool again =
      before != nullptr && before->name == session.name && before->epoch == session.epoch;
  if (before != nullptr && !again) worker_gone(peer);
  const auto slots = hello.node.slots;
  const auto address = hello.node.task_address;
  current_worker_ = peer;
  const auto outputs =
      core_.step(moment(), WorkerJoined{std::move(hello.node), std::move(hello.occupancy)});
  const bool taken = std::none_of(
      outputs.scheduler.begin(), outputs.scheduler.end(),
      [](const Output& output) { return std::holds_alternative<WorkerRejected>(output); });
  if (taken) {
    worker_sessions_.put(peer, session);
    // Before the grants: the worker learns the key of the tokens before agents come with them.
    send(*workers_, peer, welcome());
    send_admissions(peer);
    if (!again) {
      logs_.nodes.info("worker_joined",
                       {{"node", session.name}, {"address", address}, {"slots", slots}});
    }
  }
  carry_out(outputs);
  set_timer();
}

wire::WorkerWelcome Server::welcome() const {
  const auto heartbeat = std::chrono::duration_cast<milliseconds>(options_.scheduling.heartbeat);
  return {options_.scheduling.epoch, secret_, static_cast<std::uint32_t>(heartbeat.count()),
          options_.scheduling.missed_heartbeats};
}

void Server::from_worker(const net::PeerId& peer, wire::OccupancyReport& report) {
  if (const auto fine = check_limits(report); !fine) {
    return reject(*workers_, peer, "too_long", 0, fine.error());
  }
  const auto* session = worker_sessions_.find(peer);
  if (session == nullptr || session->name != report.worker ||
      session->epoch != report.worker_epoch) {
    return reject(*workers_, peer, "no_hello", 0,
                  Error{Errc::not_found,
                        "the worker \"" + report.worker + "\" is not known here; say hello first"});
  }
  current_worker_ = peer;
  note_tasks(report.worker, report.worker_epoch, report.occupancy);
  feed(WorkerReported{report.worker, report.worker_epoch, std::move(report.occupancy)});
}

void Server::from_worker(const net::PeerId& peer, wire::WorkerGoodbye& goodbye) {
  const auto* session = worker_sessions_.find(peer);
  if (session == nullptr || session->epoch != goodbye.worker_epoch) return;
  const auto ended = worker_sessions_.take(peer);
  feed(WorkerGone{ended->name, ended->epoch, "goodbye"});
}

void Server::from_worker(const net::PeerId& peer, wire::Ping& ping) {
  send(*workers_, peer, wire::Pong{ping.number});
}

}  // namespace kiln::coordinator
