#include "client/cli/interrupt.h"

#include <poll.h>

namespace kiln::client {

bool Interrupt::comes_within(milliseconds time) const {
  struct pollfd item {};
  item.fd = fd();
  item.events = POLLIN;
  return ::poll(&item, 1, static_cast<int>(time.count())) > 0 && signals_.take().has_value();
}

}  // namespace kiln::client
