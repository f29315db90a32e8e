// Two listeners as one, for who serves peers that come directly and peers that come through a
// coordinator.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "common/net/listener.h"

namespace kiln::net {

class BothListeners final : public Listener {
 public:
  // `second` must outlive it.
  BothListeners(std::unique_ptr<Listener> first, Listener& second)
      : first_(std::move(first)), second_(second) {}
  ~BothListeners() override;

  void on_message(std::function<void(const PeerId&, wire::Frames)> fn) override;
  void on_disconnect(std::function<void(const PeerId&)> fn) override;
  Status send(const PeerId& peer, wire::Frames frames) override;
  void set_guard(std::function<bool(const PublicKey&)> admitted) override;
  void review(const wire::Frames& farewell) override;

 private:
  std::unique_ptr<Listener> first_;
  Listener& second_;
};

}  // namespace kiln::net
