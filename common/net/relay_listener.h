// The serving end of streams through coordinators: a worker's peers that reach it so.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "common/net/listener.h"
#include "common/net/relay_mux.h"

namespace kiln::net {

class RelayListener final : public Listener {
 public:
  // `keyed`: streams without the key of their agent are refused.
  explicit RelayListener(bool keyed) : keyed_(keyed) {}

  // Takes a stream, for RelayMux::on_open. Errc::permission_denied: the guard does not admit the
  // key. `mux` must end its streams before it goes, and so must this.
  Result<RelayMux::Ears> accept(RelayMux& mux, StreamId stream, const wire::RelayOpen& open);

  void on_message(std::function<void(const PeerId&, wire::Frames)> fn) override;
  void on_disconnect(std::function<void(const PeerId&)> fn) override;
  Status send(const PeerId& peer, wire::Frames frames) override;
  void set_guard(std::function<bool(const PublicKey&)> admitted) override;
  void review(const wire::Frames& farewell) override;

 private:
  struct Peer {
    RelayMux* mux = nullptr;
    StreamId stream = 0;
    PublicKey key;
  };
  bool admits(const PublicKey& key) const;
  void forget(const PeerId& peer);

  bool keyed_;
  std::uint64_t last_ = 0;
  std::map<PeerId, Peer> peers_;
  std::function<void(const PeerId&, wire::Frames)> message_;
  std::function<void(const PeerId&)> disconnect_;
  std::function<bool(const PublicKey&)> guard_;
};

}  // namespace kiln::net
