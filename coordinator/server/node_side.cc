// Nodes that are taken out of service and back.
#include <utility>

#include "common/wire/codec.h"
#include "coordinator/server/limits.h"
#include "coordinator/server/server.h"

namespace kiln::coordinator {

void Server::from_client(const net::PeerId& peer, wire::NodeChange& change) {
  const auto* session = known(peer, change.request);
  if (session == nullptr) return;
  if (const auto fine = check_limits(change); !fine)
    return reject(*clients_, peer, "too_long", change.request, fine.error());
  if (change.action != "drain" && change.action != "resume") {
    return refuse(*clients_, peer, change.request,
                  {Errc::invalid_argument, "a node cannot be told to " + change.action});
  }
  if (const auto fine = check_admin(peer, change.action, "a node"); !fine)
    return refuse(*clients_, peer, change.request, fine.error());
  const auto* worker = worker_sessions_.peer_of(change.node);
  if (worker == nullptr) {
    return refuse(*clients_, peer, change.request,
                  {Errc::not_found, "no node \"" + change.node +
                                        "\" is connected; kiln nodes lists those that are"});
  }
  const wire::NodeOrder order{change.action == "drain"};
  if (const auto sent = send(*workers_, *worker, wire::kind_name(order), wire::encode(order));
      !sent)
    return refuse(*clients_, peer, change.request, sent.error());
  logs_.nodes.info("node_ordered", {{"node", change.node},
                                    {"action", change.action},
                                    {"host", session->host},
                                    {"user", session->user}});
  send(*clients_, peer, wire::NodeChanged{change.request});
}

}  // namespace kiln::coordinator
