// The live page: its files, as pages of the coordinator's own HTTP server.
#include "coordinator/server/page_side.h"

#include "coordinator/page/parts.h"

namespace kiln::coordinator {
namespace {

metrics::HttpReply reply_of(const page::Part& part) {
  metrics::HttpReply reply{200, std::string(part.content_type), std::string(part.content)};
  reply.etag = part.etag;
  // Nothing of anybody else's is loaded or run, and no other site shows the page in a frame.
  reply.headers = {{"Content-Security-Policy",
                    "default-src 'self'; base-uri 'none'; form-action 'none'; "
                    "frame-ancestors 'none'"},
                   {"X-Content-Type-Options", "nosniff"},
                   {"Referrer-Policy", "no-referrer"}};
  return reply;
}

}  // namespace

void add_live_page(metrics::HttpHandlers& handlers) {
  for (const auto& part : page::parts()) {
    const auto serve = [&part](const std::string&) { return reply_of(part); };
    handlers.pages["/page/" + std::string(part.name)] = serve;
    if (part.name == "index.html") handlers.pages["/"] = serve;
  }
}

}  // namespace kiln::coordinator
