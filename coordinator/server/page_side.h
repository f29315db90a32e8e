// The live page at "/" and its parts below "/page/".
#pragma once

#include "common/metrics/http_server.h"

namespace kiln::coordinator {

void add_live_page(metrics::HttpHandlers& handlers);

}  // namespace kiln::coordinator
