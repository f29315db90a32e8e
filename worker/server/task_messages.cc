// The half of TaskServer that reads and writes messages.
#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "common/model/log_id.h"
#include "common/transfer/inline_blob.h"
#include "common/wire/codec.h"
#include "worker/server/overloaded.h"
#include "worker/server/task_server.h"

namespace kiln::worker {
namespace {

// Of one blob that comes on the task socket; larger ones take the bulk socket.
constexpr std::uint64_t kSupplyLimitBytes = 64 << 20;

// What came of one SUPPLY's blobs.
struct Stored {
  std::vector<Digest> digests;
  std::optional<Error> error;  // the first
};

Status store_blob(store::BlobStore& store, const wire::InlineBlob& blob, std::string_view frame) {
  const auto content = transfer::decode_frame(frame, blob.encoding, blob.size, kSupplyLimitBytes);
  // Whatever the code says: the fault is the sender's, not this node's.
  if (!content) return fail(Errc::corrupt, content.error().message);
  KILN_TRY(store.put(blob.digest, *content));
  return {};
}

// What is only shown must not make the reports on it longer than coordinators take.
void shorten_for_people(wire::Run& run) {
  constexpr std::size_t kLabelBytes = 1024;
  constexpr std::size_t kNameBytes = 256;
  run.task.label.resize(std::min(run.task.label.size(), kLabelBytes));
  run.build.resize(std::min(run.build.size(), kNameBytes));
  run.client.resize(std::min(run.client.size(), kNameBytes));
}

}  // namespace

void TaskServer::send(const net::PeerId& peer, const wire::Message& message, wire::Frames raw) {
  const auto sent = listener_->send(peer, wire::encode(message, std::move(raw)));
  if (!sent) {
    parts_.logs.tasks.debug("message_not_sent", {{"message", std::string(wire::kind_name(message))},
                                                 {"error", sent.error()}});
  }
}

void TaskServer::receive(const net::PeerId& peer, wire::Frames frames) {
  auto envelope = wire::decode(std::move(frames));
  if (envelope) return dispatch(peer, std::move(*envelope));
  refuse(peer, envelope.error());
}

void TaskServer::refuse(const net::PeerId& peer, const Error& error) {
  parts_.metrics.message_dropped();
  parts_.logs.tasks.warning("message_refused", {{"error", error}});
  send(peer, wire::Refused{0, std::string(name(error.code)), error.message});
}

void TaskServer::dispatch(const net::PeerId& peer, wire::Envelope envelope) {
  const TimePoint now = parts_.reactor.now();
  std::visit(Overloaded{
                 [&](const wire::PeerHello&) {
                   send(peer, wire::PeerWelcome{options_.name, options_.epoch, options_.version});
                 },
                 [&](wire::Run& m) { receive_run(peer, std::move(m), std::move(envelope.raw)); },
                 [&](const wire::Supply& m) { receive_supply(m, std::move(envelope.raw)); },
                 [&](const wire::Ack& m) { receive_ack(m.attempt); },
                 [&](const wire::Cancel& m) {
                   parts_.logs.tasks.debug("task_cancelled", {{"attempt", log_id(m.attempt)}});
                   carry_out(table_.cancel(m.attempt, now));
                 },
                 [&](const wire::Reclaim& m) { receive_reclaim(peer, m.attempt); },
                 [&](const wire::Ping& m) { send(peer, wire::Pong{m.number}); },
                 [&](const wire::Pong&) {},
                 [&](const wire::Refused&) {},
                 [&](const auto& other) {
                   refuse(peer,
                          Error{Errc::invalid_argument,
                                "an agent does not send " + std::string(wire::kind_name(other)) +
                                    " to a worker's port for tasks; is it the right port?"});
                 },
             },
             envelope.message);
}

void TaskServer::receive_ack(const AttemptId& attempt) {
  parts_.logs.tasks.debug("result_acked", {{"attempt", log_id(attempt)}});
  const TimePoint now = parts_.reactor.now();
  const auto found = jobs_.find(attempt);
  if (found != jobs_.end() && !found->second->in_pool && found->second->result) {
    parts_.metrics.returned(in_seconds(now - found->second->completed));
  }
  carry_out(table_.ack(attempt, now));
}

void TaskServer::set_peer(const AttemptId& attempt, const net::PeerId& peer) {
  const auto found = jobs_.find(attempt);
  if (found == jobs_.end()) return;
  found->second->peer = peer;
  found->second->orphaned = false;
  if (std::exchange(found->second->parked, false) && !found->second->stopped) stage(attempt);
}

void TaskServer::receive_run(const net::PeerId& peer, wire::Run run, wire::Frames raw) {
  const AttemptId attempt = run.attempt;
  const Lease lease = run.lease;
  shorten_for_people(run);
  const std::string label = run.task.label;
  const TimePoint now = parts_.reactor.now();
  const bool is_new = !jobs_.contains(attempt);
  if (is_new) {
    auto job = std::make_shared<Job>();
    job->run = std::move(run);
    count_blobs(raw);
    job->inline_blobs = std::move(raw);
    job->accepted = now;
    jobs_.emplace(attempt, std::move(job));
  }
  set_peer(attempt, peer);
  auto actions = table_.run(peer, lease, hooks_.lease_valid(lease), attempt, label, now);
  const bool refused = std::any_of(actions.begin(), actions.end(), [](const Action& action) {
    return std::holds_alternative<AnswerBusy>(action);
  });
  if (is_new && refused) {
    jobs_.erase(attempt);
  } else if (is_new) {
    parts_.metrics.accepted();
    parts_.logs.tasks.debug("task_accepted", {{"attempt", log_id(attempt)},
                                              {"lease", log_id(lease.id)},
                                              {"pool", lease.pool},
                                              {"task", label}});
  }
  carry_out(actions);
}

void TaskServer::count_blobs(const wire::Frames& frames) {
  std::size_t bytes = 0;
  for (const auto& frame : frames) bytes += frame.size();
  parts_.metrics.blob_bytes().from_agents.add(static_cast<double>(bytes));
}

// Need may have been lost with a connection: the agent is told again what is waited for.
void TaskServer::receive_reclaim(const net::PeerId& peer, const AttemptId& attempt) {
  parts_.logs.tasks.debug("task_reclaimed", {{"attempt", log_id(attempt)}});
  set_peer(attempt, peer);
  carry_out(table_.reclaim(peer, attempt, parts_.reactor.now()));
  auto asked = needs_.asked_of(attempt);
  std::erase_if(asked, [this](const Digest& digest) { return fetching_.contains(digest); });
  if (!asked.empty()) ask_agent(attempt, asked);
}

// Blobs that were asked for and came on the task socket. Those that the agent has lost end the
// task (it lists its inputs again), unless they came from elsewhere meanwhile.
void TaskServer::receive_supply(const wire::Supply& supply, wire::Frames raw) {
  const auto lost =
      std::find_if(supply.missing.begin(), supply.missing.end(),
                   [&](const Digest& digest) { return needs_.waits_for(supply.attempt, digest); });
  if (lost != supply.missing.end()) {
    staging_failed(supply.attempt,
                   Error{Errc::not_found, "the agent could not supply blob " + lost->short_hex() +
                                              ": an input changed, vanished, or did not arrive"});
  }
  count_blobs(raw);
  if (raw.size() != supply.blobs.size()) {
    parts_.metrics.message_dropped();
    if (!needs_.waiting(supply.attempt)) return;
    return staging_failed(supply.attempt,
                          Error{Errc::corrupt, "SUPPLY does not carry the blobs that it lists"});
  }
  auto content = std::make_shared<wire::Frames>(std::move(raw));
  auto stored = std::make_shared<Stored>();
  parts_.reactor.offload(
      parts_.pool,
      [&store = parts_.store, content, stored, blobs = supply.blobs] {
        for (std::size_t i = 0; i < blobs.size(); ++i) {
          const auto status = store_blob(store, blobs[i], (*content)[i]);
          if (status) {
            stored->digests.push_back(blobs[i].digest);
          } else if (!stored->error) {
            stored->error =
                status.error().within("cannot store the blob " + blobs[i].digest.short_hex());
          }
        }
      },
      [this, stored, attempt = supply.attempt] {
        for (const auto& digest : stored->digests) blob_arrived(digest);
        if (stored->error && needs_.waiting(attempt)) staging_failed(attempt, *stored->error);
      });
}

void TaskServer::send_result(const net::PeerId& peer, const AttemptId& attempt) {
  const auto found = jobs_.find(attempt);
  if (found == jobs_.end() || !found->second->result) return;
  const StoredResult& result = *found->second->result;
  send(peer, result.message, result.raw);
  parts_.logs.tasks.debug("result_sent", {{"attempt", log_id(attempt)}, {"bytes", result.bytes()}});
  parts_.metrics.sent_result(static_cast<double>(result.bytes()));
}

}  // namespace kiln::worker
