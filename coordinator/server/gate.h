// The doors of a coordinator that has keys: holds who connects against the farm's folder of keys,
// and follows what is changed there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/auth/allowed_keys.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/thread_pool.h"
#include "common/net/context.h"
#include "common/net/gatekeeper.h"
#include "common/net/reactor.h"
#include "coordinator/server/admission.h"

namespace kiln::coordinator {

class Gate {
 public:
  struct Hooks {
    // Others are admitted than before.
    std::function<void()> changed;
    // Somebody was not let in.
    std::function<void(Door door, std::string_view reason)> refused;
  };

  // Reads coordinator.key of `directory`, which becomes the identity of `context`, and allowed,
  // that again each second; while it cannot be read, what was read before holds. `reactor`,
  // `context` and `disk` must outlive it. Errors name the file and what to do.
  static Result<std::unique_ptr<Gate>> open(net::Reactor& reactor, net::Context& context,
                                            ThreadPool& disk, const Logger& log,
                                            const std::string& directory, Hooks hooks);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  bool admits(Door door, const PublicKey& key) const;
  const auth::AllowedKeys& allowed() const { return allowed_; }

 private:
  Gate(net::Reactor& reactor, ThreadPool& disk, Logger log, std::string directory, Hooks hooks);
  bool admit(const net::Visitor& visitor);
  void look_again();
  void looked(Result<auth::AllowedKeys> found);
  void refuse(const net::Visitor& visitor, Door door, std::string_view reason);

  net::Reactor& reactor_;
  ThreadPool& disk_;
  Logger log_;
  std::string directory_;
  Hooks hooks_;
  auth::AllowedKeys allowed_;
  std::string problem_;  // of the last reading; as logged
  TimePoint logged_refusal_{};
  net::TimerId timer_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  std::unique_ptr<net::Gatekeeper> keeper_;
};

}  // namespace kiln::coordinator
