#include "client/agent/call_server.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace kiln::client {
namespace {

constexpr Duration kAcceptAgain = milliseconds(100);
constexpr std::size_t kBacklog = std::size_t{16} << 20;  // bytes; above it nothing more is read
constexpr std::size_t kTidyAbove = std::size_t{1} << 20;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Errc::invalid_argument, path + " is too long for a socket; set KILN_SOCKET");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

bool somebody_listens(const sockaddr_un& address) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::pair<std::uint64_t, std::uint64_t> identity_of(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino};
}

bool is_socket(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

// Only the agent's own user may connect, whatever the directory allows.
bool same_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::getuid() || peer.uid == 0;
}

}  // namespace

Result<std::unique_ptr<CallServer>> CallServer::listen(net::Reactor& reactor,
                                                       const std::string& path, Logger log,
                                                       Handlers handlers) {
  KILN_TRY_ASSIGN(const auto address, address_of(path));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail_errno("cannot make a socket", errno);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(fd.get(), generic, sizeof address) != 0) {
    if (errno != EADDRINUSE) return fail_errno("cannot bind " + path, errno);
    if (somebody_listens(address))
      return fail(Errc::already_exists, "another agent listens on " + path);
    if (!is_socket(path))
      return fail(Errc::already_exists,
                  path + " is in the socket's place and is no socket; set KILN_SOCKET");
    ::unlink(path.c_str());
    if (::bind(fd.get(), generic, sizeof address) != 0)
      return fail_errno("cannot bind " + path, errno);
  }
  ::chmod(path.c_str(), 0600);
  if (::listen(fd.get(), SOMAXCONN) != 0) return fail_errno("cannot listen on " + path, errno);
  std::unique_ptr<CallServer> server(
      new CallServer(reactor, path, std::move(log), std::move(handlers), std::move(fd)));
  KILN_TRY(server->watch_listener());
  return server;
}

CallServer::CallServer(net::Reactor& reactor, std::string path, Logger log, Handlers handlers,
                       UniqueFd listener)
    : reactor_(reactor),
      path_(std::move(path)),
      bound_(identity_of(path_)),
      log_(std::move(log)),
      handlers_(std::move(handlers)),
      listener_(std::move(listener)) {}

CallServer::~CallServer() {
  if (listener_.valid()) {
    unlink_socket();
    close_listener();
  }
  for (const auto& [id, connection] : connections_) reactor_.unwatch_fd(connection.fd.get());
}

// Who has connected may have been told so by the kernel alone, and waits for his greeting.
void CallServer::stop_listening() {
  if (!listener_.valid()) return;
  unlink_socket();
  accept_all();
  close_listener();
}

void CallServer::unlink_socket() {
  if (identity_of(path_) == bound_) ::unlink(path_.c_str());
}

void CallServer::close_listener() {
  reactor_.cancel(std::exchange(accept_again_, 0));
  reactor_.unwatch_fd(listener_.get());
  listener_.reset();
}

void CallServer::accept_all() {
  while (true) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) {
      const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
      if (exhausted) pause_accepting();
      return;
    }
    if (!same_user(fd.get())) {
      log_.warning("connection_refused", {{"reason", "it is another user's"}});
      continue;
    }
    const ConnectionId id = ++last_id_;
    connections_[id].fd = std::move(fd);
    // The greeting, by which a launcher knows at once that this process is not hung.
    send(id, wire::Pong{}, {}, false);
  }
}

// Without descriptors the listener stays readable: looking again at once would spin.
void CallServer::pause_accepting() {
  log_.warning("connections_wait", {{"reason", "no descriptor is free"}});
  reactor_.unwatch_fd(listener_.get());
  accept_again_ = reactor_.call_after(kAcceptAgain, [this] {
    accept_again_ = 0;
    static_cast<void>(watch_listener());
  });
}

Status CallServer::watch_listener() {
  return reactor_.watch_fd(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept_all(); });
}

void CallServer::watch(ConnectionId id) {
  const Connection& connection = connections_.at(id);
  const std::size_t backlog = connection.outgoing.size() - connection.sent;
  const bool reads = backlog < kBacklog || connection.last;
  const std::uint32_t events =
      (reads ? std::uint32_t{EPOLLIN} : 0U) | (backlog > 0 ? std::uint32_t{EPOLLOUT} : 0U);
  const auto watched =
      reactor_.watch_fd(connection.fd.get(), events,
                        [this, id](std::uint32_t ready_events) { ready(id, ready_events); });
  if (!watched) log_.error("connection_not_watched", {{"error", watched.error()}});
}

void CallServer::ready(ConnectionId id, std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush(id);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && connections_.contains(id)) read_from(id);
}

void CallServer::read_from(ConnectionId id) {
  std::array<char, 65536> buffer;
  const ssize_t count = ::recv(connections_.at(id).fd.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return close(id, true);
  Connection& connection = connections_.at(id);
  if (connection.last) return;  // it has its answer; what it sends now is not for anybody
  if (!connection.decoder.feed({buffer.data(), static_cast<std::size_t>(count)}))
    return close(id, true);
  while (true) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second.last) return;
    auto frames = found->second.decoder.next();
    if (!frames) return;
    auto envelope = wire::decode(std::move(*frames));
    if (envelope) {
      handlers_.message(id, std::move(*envelope));
    } else {
      send(id, wire::Refused{0, std::string(name(envelope.error().code)), envelope.error().message},
           {}, true);
    }
  }
}

void CallServer::send(ConnectionId id, const wire::Message& message, wire::Frames raw, bool last) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  found->second.outgoing += wire::pack_stream(wire::encode(message, std::move(raw)));
  found->second.last = found->second.last || last;
  flush(id);
}

UniqueFd CallServer::open_peer(ConnectionId id) const {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return {};
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(found->second.fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0U)));
}

void CallServer::flush(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  while (connection.sent < connection.outgoing.size()) {
    const ssize_t count = ::send(connection.fd.get(), connection.outgoing.data() + connection.sent,
                                 connection.outgoing.size() - connection.sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return watch(id);
    if (count < 0) return close(id, true);
    connection.sent += static_cast<std::size_t>(count);
    // A session is never quite done with its answers.
    if (connection.sent > kTidyAbove)
      connection.outgoing.erase(0, std::exchange(connection.sent, 0));
  }
  connection.outgoing.clear();
  connection.sent = 0;
  if (connection.last) return close(id, false);
  watch(id);
}

void CallServer::close(ConnectionId id, bool report) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  reactor_.unwatch_fd(found->second.fd.get());
  connections_.erase(found);
  if (report) handlers_.closed(id);
}

}  // namespace kiln::client
