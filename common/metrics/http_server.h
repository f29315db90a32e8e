// A small HTTP server for metrics, health and read-only JSON. Only GET and HEAD are served.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace kiln::metrics {

struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  // With one ("\"5f2a\"", quotes and all) the reply may be kept, but must be asked for again each
  // time: whoever names it in If-None-Match gets 304 and no body. Without one nothing is kept.
  std::string etag = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones
};

// Everything is called on the HTTP server's own threads, several at a time: whatever a handler
// reads must be thread-safe. An empty function leaves its page out (404). Handlers must not throw.
struct HttpHandlers {
  std::function<std::string()> metrics;  // /metrics, text format 0.0.4
  // /healthz and /readyz: 200 "ok", or 503 with the error's message.
  std::function<Status()> health;
  std::function<Status()> ready;
  // Other pages by exact path ("/api/v1/nodes"); the argument is the query string without '?'.
  std::map<std::string, std::function<HttpReply(const std::string& query)>> pages;
};

class HttpServer {
 public:
  // Listens on `address` ("127.0.0.1:10660", "[::1]:0"; port 0: any free one) until destroyed.
  // Errc::invalid_argument for a malformed address, already_exists when it is in use.
  static Result<HttpServer> start(const std::string& address, HttpHandlers handlers);

  HttpServer(HttpServer&&) noexcept;
  HttpServer& operator=(HttpServer&&) noexcept;
  // Waits for requests that are being served.
  ~HttpServer();

  // "host:port" with the port that was taken.
  const std::string& address() const;
  std::uint16_t port() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln::metrics
