#include "common/metrics/http_server.h"

#include <csignal>
#include <cstddef>
#include <future>
#include <string_view>
#include <utility>
#include <vector>

#include <civetweb.h>
#include <netdb.h>
#include <sys/socket.h>

#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace kiln::metrics {
namespace {

constexpr std::size_t kMaxThreads = 4;

// Threads started while it lives block every signal, so that signals reach the main thread.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 304:
      return "Not Modified";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

HttpReply plain(int status, const std::string& text) {
  return HttpReply{status, "text/plain; charset=utf-8", text + "\n"};
}

HttpReply health_reply(const std::function<Status()>& check) {
  const auto status = check();
  return status ? plain(200, "ok") : plain(503, status.error().message);
}

HttpReply reply_to(const HttpHandlers& handlers, const std::string& path,
                   const std::string& query) {
  if (path == "/metrics" && handlers.metrics) {
    return HttpReply{200, "text/plain; version=0.0.4; charset=utf-8", handlers.metrics()};
  }
  if (path == "/healthz" && handlers.health) return health_reply(handlers.health);
  if (path == "/readyz" && handlers.ready) return health_reply(handlers.ready);
  const auto page = handlers.pages.find(path);
  if (page != handlers.pages.end() && page->second) return page->second(query);
  return plain(404, "no such page: " + path);
}

// Whether the header If-None-Match, or nullptr, names the tag.
bool names_tag(const char* header, const std::string& etag) {
  if (header == nullptr || etag.empty()) return false;
  const std::string_view tags(header);
  return tags == "*" || tags.find(etag) != std::string_view::npos;
}

void write_reply(mg_connection* connection, const HttpReply& reply, bool with_body) {
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  head += reason_of(reply.status);
  head += "\r\nContent-Type: " + reply.content_type;
  head += "\r\nContent-Length: " + std::to_string(reply.body.size());
  for (const auto& [name, value] : reply.headers) head += "\r\n" + name + ": " + value;
  head += reply.etag.empty() ? "\r\nCache-Control: no-store"
                             : "\r\nCache-Control: no-cache\r\nETag: " + reply.etag;
  head += "\r\nConnection: close\r\n\r\n";
  if (with_body) head += reply.body;
  mg_write(connection, head.data(), head.size());
}

// civetweb's callback for every path; returns the status, which ends the request there.
int serve(mg_connection* connection, void* data) {
  const auto& handlers = *static_cast<const HttpHandlers*>(data);
  const auto* request = mg_get_request_info(connection);
  const std::string method = request->request_method;
  const bool head = method == "HEAD";
  const std::string path = request->local_uri;
  const std::string query = request->query_string == nullptr ? "" : request->query_string;
  auto reply = head || method == "GET" ? reply_to(handlers, path, query)
                                       : plain(405, "only GET and HEAD are served, not " + method);
  if (names_tag(mg_get_header(connection, "If-None-Match"), reply.etag)) {
    reply.status = 304;
    reply.body.clear();
  }
  write_reply(connection, reply, !head);
  return reply.status;
}

int drop_message(const mg_connection*, const char*) {
  return 1;
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  return value <= 65535;
}

// The host of "host:port", brackets kept; civetweb takes numbers only, so a name is refused here,
// where the reason can be said.
Result<std::string> checked_host(const std::string& address) {
  const auto wrong = [&](const std::string& why) {
    return fail(Errc::invalid_argument, "cannot listen for HTTP on \"" + address + "\": " + why +
                                            "; give it as 127.0.0.1:10660 or [::1]:10660");
  };
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return wrong("it has no port");
  if (!is_port(std::string_view(address).substr(colon + 1))) return wrong("the port is not one");
  const auto host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const auto allowed = bracketed ? "[]:.0123456789abcdefABCDEF" : ".0123456789";
  if (host.empty() || host.find_first_not_of(allowed) != std::string::npos) {
    return wrong("the host is not a numeric address");
  }
  return host;
}

// Connects and hangs up, so that civetweb's listening thread wakes.
void poke(const std::string& host, std::uint16_t port) {
  const bool bracketed = host.front() == '[';
  const auto bare = bracketed ? host.substr(1, host.size() - 2) : host;
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(bare.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return;
  const UniqueFd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.valid()) static_cast<void>(::connect(fd.get(), found->ai_addr, found->ai_addrlen));
  freeaddrinfo(found);
}

struct Stop {
  void operator()(mg_context* context) const { mg_stop(context); }
};
using Context = std::unique_ptr<mg_context, Stop>;

Context start_context(const std::string& address, std::string& problem) {
  const auto threads = std::to_string(kMaxThreads);
  const std::vector<const char*> options = {"listening_ports",
                                            address.c_str(),
                                            "num_threads",
                                            threads.c_str(),
                                            "request_timeout_ms",
                                            "10000",
                                            "enable_keep_alive",
                                            "no",
                                            "decode_url",
                                            "yes",
                                            nullptr};
  mg_callbacks callbacks{};
  callbacks.log_message = drop_message;
  mg_init_data init{};
  init.callbacks = &callbacks;
  init.configuration_options = const_cast<const char**>(options.data());
  std::vector<char> text(256);
  mg_error_data error{};
  error.text = text.data();
  error.text_buffer_size = text.size();
  const SignalsBlocked blocked;
  Context context(mg_start2(&init, &error));
  if (!context) problem = text.data();
  return context;
}

}  // namespace

struct HttpServer::Impl {
  ~Impl();
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::unique_ptr<HttpHandlers> handlers;
  std::string host;
  std::string address;
  std::uint16_t port = 0;
  Context context;
};

// civetweb looks at its stop flag every two seconds only, unless a connection wakes it.
HttpServer::Impl::~Impl() {
  auto stopped = std::async(std::launch::async, [this] { context.reset(); });
  while (stopped.wait_for(milliseconds(5)) != std::future_status::ready) poke(host, port);
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer& HttpServer::operator=(HttpServer&&) noexcept = default;
HttpServer::~HttpServer() = default;

Result<HttpServer> HttpServer::start(const std::string& address, HttpHandlers handlers) {
  KILN_TRY_ASSIGN(const auto host, checked_host(address));
  auto impl = std::make_unique<Impl>();
  impl->handlers = std::make_unique<HttpHandlers>(std::move(handlers));
  std::string problem;
  impl->context = start_context(address, problem);
  if (!impl->context) {
    return fail(Errc::already_exists, "cannot listen for HTTP on " + address +
                                          ": the address is in use, not of this machine or not "
                                          "allowed to this user; stop what listens there or "
                                          "choose another");
  }
  mg_server_port taken{};
  if (mg_get_server_ports(impl->context.get(), 1, &taken) < 1) {
    return fail(Errc::internal, "cannot listen for HTTP on " + address + ": no port was bound");
  }
  impl->port = static_cast<std::uint16_t>(taken.port);
  impl->host = host;
  impl->address = host + ":" + std::to_string(impl->port);
  mg_set_request_handler(impl->context.get(), "/**", serve, impl->handlers.get());
  return HttpServer(std::move(impl));
}

const std::string& HttpServer::address() const {
  return impl_->address;
}
std::uint16_t HttpServer::port() const {
  return impl_->port;
}

}  // namespace kiln::metrics
