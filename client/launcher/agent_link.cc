#include "client/launcher/agent_link.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <variant>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/launcher/agent_start.h"
#include "client/paths/paths.h"
#include "client/slots/file_lock.h"
#include "common/wire/stream.h"

namespace kiln::client {
namespace {

constexpr int kFirstFreeDescriptor = 3;
constexpr seconds kRetryFailedStart(10);
constexpr seconds kHungHolds(10);             // how long a note of a hung agent counts
constexpr milliseconds kGreetingOfHung(100);  // waited for while it does
constexpr std::string_view kHung = "hung";
constexpr seconds kReceiveTimeout(30);  // between the parts of one answer

void set_timeout(int fd, int option, Duration timeout) {
  const auto whole = std::chrono::duration_cast<seconds>(timeout);
  struct timeval value {};
  value.tv_sec = whole.count();
  value.tv_usec = std::chrono::duration_cast<std::chrono::microseconds>(timeout - whole).count();
  ::setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
}

// Who was started with a closed stdout must not get the agent's socket in its place.
Result<UniqueFd> make_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno("cannot make a socket", errno);
  if (fd.get() >= kFirstFreeDescriptor) return fd;
  UniqueFd lifted(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFreeDescriptor));
  if (!lifted.valid()) return fail_errno("cannot make a socket", errno);
  return lifted;
}

Status check_peer(int fd, const std::string& path) {
  struct ucred peer {};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return fail_errno("cannot see who listens at " + path, errno);
  }
  if (peer.uid == ::geteuid() || peer.uid == 0) return {};
  return fail(Errc::permission_denied, "the agent at " + path + " is of another user (" +
                                           std::to_string(peer.uid) +
                                           "); set KILN_SOCKET to a place of your own");
}

bool nobody_listens(const Error& error) {
  return error.code == Errc::not_found;
}

// What was noted in the lock file, when that is younger than `age`; else "".
std::string late_note(int lock, seconds age) {
  struct stat info {};
  if (::fstat(lock, &info) != 0 || info.st_size == 0) return "";
  if (::time(nullptr) - info.st_mtim.tv_sec >= age.count()) return "";
  std::array<char, 4096> text{};
  const ssize_t size = ::pread(lock, text.data(), text.size(), 0);
  return {text.data(), static_cast<std::size_t>(size > 0 ? size : 0)};
}

// A note that cannot be written costs the next call the time that this one took.
void write_note(int lock, std::string_view text) {
  if (::ftruncate(lock, 0) != 0) return;
  static_cast<void>(!::pwrite(lock, text.data(), text.size(), 0));
}

// Why an agent could not be started a moment ago; "" when none was tried.
std::string late_failure(int lock) {
  auto why = late_note(lock, kRetryFailedStart);
  return why == kHung ? "" : why;
}

void note_start(int lock, const Status& started) {
  write_note(lock, started ? "" : started.error().message);
}

// The note of a hung agent beside its socket. Looking for it is one stat where there is none.
class HungNote {
 public:
  explicit HungNote(const std::string& socket) : path_(start_lock_path(socket)) {
    struct stat info {};
    if (::stat(path_.c_str(), &info) != 0 || info.st_size == 0) return;
    const auto lock = open_lock_file(AT_FDCWD, path_, 0600);
    if (!lock) return;
    is_there_ = late_note(lock->get(), seconds::max()) == kHung;
    is_fresh_ = is_there_ && late_note(lock->get(), kHungHolds) == kHung;
  }

  bool is_fresh() const { return is_fresh_; }
  // An old one is written anew; a fresh one keeps its time, so that somebody looks again.
  void set() const {
    if (!is_fresh_) write(kHung);
  }
  void clear() const {
    if (is_there_) write("");
  }

 private:
  void write(std::string_view text) const {
    if (const auto lock = open_lock_file(AT_FDCWD, path_, 0600)) write_note(lock->get(), text);
  }

  const std::string path_;
  bool is_there_ = false;
  bool is_fresh_ = false;
};

Result<UniqueFd> start_and_connect(const AgentLinkOptions& options) {
  const TimePoint deadline = Clock::now() + options.start_timeout;
  KILN_TRY_ASSIGN(const UniqueFd lock,
                  open_lock_file(AT_FDCWD, start_lock_path(options.socket), 0600));
  KILN_TRY(lock_until(lock.get(), deadline));
  auto connected = connect_to_running_agent(options);
  if (connected || !nobody_listens(connected.error())) return connected;
  if (const auto why = late_failure(lock.get()); !why.empty() && !options.start_again) {
    return fail(Errc::unavailable, why + " (tried a moment ago)");
  }
  const auto started = start_agent(options.agent, options.socket, options.environment, deadline);
  note_start(lock.get(), started);
  if (!started) return fail(started.error());
  return connect_to_running_agent(options);
}

// Waits until there is something to read, or the end. False at the timeout.
bool wait_readable(int fd, Duration timeout) {
  const TimePoint deadline = Clock::now() + timeout;
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    struct pollfd item {};
    item.fd = fd;
    item.events = POLLIN;
    const int count = ::poll(&item, 1, static_cast<int>(left > 0 ? left + 1 : 0));
    if (count >= 0 || errno != EINTR) return count > 0;
  }
}

// As above. Errc::cancelled when the caller gives up meanwhile.
Result<bool> answers_within(int fd, Duration timeout, const AgentLinkOptions& options) {
  const TimePoint deadline = Clock::now() + timeout;
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    std::array<struct pollfd, 2> items{{{fd, POLLIN, 0}, {options.interrupt, POLLIN, 0}}};
    const int count = ::poll(items.data(), items.size(), static_cast<int>(left > 0 ? left + 1 : 0));
    if (count < 0 && errno == EINTR) continue;
    if (items[1].revents != 0) return fail(Errc::cancelled, "interrupted");
    return count > 0;
  }
}

// Asks on a connection of its own, since the call's own may be busy with a large answer. Where no
// agent listens any more ours is about to end, but not before this call: its death would have
// closed the connection.
Status check_alive(const AgentLinkOptions& options) {
  const auto fd = connect_to_running_agent(options);
  if (!fd && nobody_listens(fd.error())) return {};
  if (!fd) return fail(fd.error());
  KILN_TRY(wire::send_message(fd->get(), wire::Ping{1}));
  if (!wait_readable(fd->get(), options.pong_timeout)) {
    return fail(Errc::timed_out, "the agent at " + options.socket +
                                     " does not answer; kill that process to get a new one");
  }
  KILN_TRY(wire::receive_message(fd->get()));
  return {};
}

}  // namespace

std::string agent_program(const Environment& environment, const std::string& self) {
  if (const auto given = value_of(environment, "KILN_AGENT"); !given.empty()) {
    return std::string(given);
  }
  return self.substr(0, self.rfind('/') + 1) + "kiln-agent";
}

Result<UniqueFd> connect_to_running_agent(const AgentLinkOptions& options) {
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  if (options.socket.size() >= sizeof address.sun_path) {
    return fail(Errc::invalid_argument, "the socket's path is too long: " + options.socket);
  }
  std::memcpy(address.sun_path, options.socket.c_str(), options.socket.size() + 1);
  KILN_TRY_ASSIGN(UniqueFd fd, make_socket());
  set_timeout(fd.get(), SO_SNDTIMEO, options.connect_timeout);  // also bounds connect
  set_timeout(fd.get(), SO_RCVTIMEO, kReceiveTimeout);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    const int number = errno;
    const std::string what = "cannot connect to the agent at " + options.socket;
    if (number == ENOENT || number == ECONNREFUSED) {
      return fail(Errc::not_found, what + ": no agent is running");
    }
    return number == EAGAIN ? Result<UniqueFd>(fail(Errc::timed_out, what + ": it is too busy"))
                            : Result<UniqueFd>(fail_errno(what, number));
  }
  KILN_TRY(check_peer(fd.get(), options.socket));
  return fd;
}

Result<UniqueFd> connect_to_agent(const AgentLinkOptions& options) {
  auto connected = connect_to_running_agent(options);
  if (connected || options.agent.empty() || !nobody_listens(connected.error())) return connected;
  return start_and_connect(options);
}

Result<wire::Envelope> ask_agent(int fd, const wire::Message& request,
                                 const AgentLinkOptions& options) {
  const HungNote note(options.socket);
  KILN_TRY(wire::send_message(fd, request));
  const Duration greeting =
      note.is_fresh() && !options.start_again ? kGreetingOfHung : options.greeting;
  KILN_TRY_ASSIGN(bool answers,
                  answers_within(fd, options.insists ? options.silence : greeting, options));
  if (!options.insists && !answers) {
    note.set();
    return fail(Errc::timed_out, "the agent at " + options.socket +
                                     " does not greet; kill that process to get a new one");
  }
  const auto wait = [&]() -> Status {
    while (!answers) {
      KILN_TRY(check_alive(options));
      KILN_TRY_ASSIGN(answers, answers_within(fd, options.silence, options));
    }
    return {};
  };
  KILN_TRY(wait());
  note.clear();
  KILN_TRY_ASSIGN(wire::Envelope first, wire::receive_message(fd));
  if (!std::holds_alternative<wire::Pong>(first.message)) return first;
  KILN_TRY_ASSIGN(answers, answers_within(fd, options.silence, options));
  KILN_TRY(wait());
  return wire::receive_message(fd);
}

}  // namespace kiln::client
