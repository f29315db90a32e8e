// The names of the message kinds. Inside common/wire only; codec.h has kind_name().
#pragma once

#include <string_view>

#include "common/wire/messages.h"

namespace kiln::wire {

// Undefined for a kind without a name, so that a new kind cannot be forgotten here.
template <typename Kind>
struct KindName;

#define KILN_KIND(kind)                             \
  template <>                                       \
  struct KindName<kind> {                           \
    static constexpr std::string_view text = #kind; \
  };
KILN_KIND(Refused)
KILN_KIND(Ping)
KILN_KIND(Pong)
KILN_KIND(WorkerHello)
KILN_KIND(WorkerWelcome)
KILN_KIND(OccupancyReport)
KILN_KIND(WorkerGoodbye)
KILN_KIND(ClientHello)
KILN_KIND(ClientWelcome)
KILN_KIND(Acquire)
KILN_KIND(Grant)
KILN_KIND(AcquireCancel)
KILN_KIND(Release)
KILN_KIND(FarmQuery)
KILN_KIND(FarmStatus)
KILN_KIND(PeerHello)
KILN_KIND(PeerWelcome)
KILN_KIND(Run)
KILN_KIND(Accepted)
KILN_KIND(Busy)
KILN_KIND(Need)
KILN_KIND(Supply)
KILN_KIND(RunResult)
KILN_KIND(Ack)
KILN_KIND(Cancel)
KILN_KIND(Reclaim)
KILN_KIND(Unknown)
KILN_KIND(PutOpen)
KILN_KIND(GetOpen)
KILN_KIND(GetStart)
KILN_KIND(Credit)
KILN_KIND(Chunk)
KILN_KIND(TransferDone)
KILN_KIND(Call)
KILN_KIND(CallLocally)
KILN_KIND(CallDone)
KILN_KIND(CallFailed)
KILN_KIND(Command)
KILN_KIND(CommandReply)
KILN_KIND(PoolOrders)
KILN_KIND(PoolReport)
KILN_KIND(PoolChange)
KILN_KIND(PoolQuery)
KILN_KIND(PoolAnswer)
KILN_KIND(SessionHello)
KILN_KIND(SessionWelcome)
KILN_KIND(SessionTask)
KILN_KIND(SessionResult)
KILN_KIND(SessionCancel)
KILN_KIND(Admissions)
KILN_KIND(RelayHello)
KILN_KIND(RelayOpen)
KILN_KIND(RelayClose)
KILN_KIND(NodeChange)
KILN_KIND(NodeChanged)
KILN_KIND(NodeOrder)
KILN_KIND(LogChange)
KILN_KIND(LogState)
#undef KILN_KIND

}  // namespace kiln::wire
