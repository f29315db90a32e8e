// A whole call: its units one after the other, answered together.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "client/agent/remote_unit.h"

namespace kiln::client {

class RemoteCall {
 public:
  using Done = std::function<void(UnitOutcome, std::vector<UnitTrace>)>;

  // On the reactor's thread; destroying it cancels the call.
  RemoteCall(FarmAccess& farm, Prepared prepared, const CallSettings& settings);

  // `done` is called once, never from within; it may destroy the call. Streams are those of all
  // units in order, the exit code that of the last failure: what a compiler's driver makes of
  // several sources.
  void start(Done done);

 private:
  void next();
  void ended(UnitOutcome outcome);

  FarmAccess& farm_;
  Prepared prepared_;
  CallSettings settings_;
  Done done_;
  std::size_t at_ = 0;
  std::unique_ptr<RemoteUnit> unit_;
  UnitOutcome total_;
  std::vector<UnitTrace> traces_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // deferred work asks whether we are
};

}  // namespace kiln::client
