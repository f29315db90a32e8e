#include "worker/forkserver/stub_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "worker/forkserver/stub_wire.h"

namespace kiln::worker {
namespace {

void append(std::string& text, const std::string& part) {
  text.append(part.c_str(), std::strlen(part.c_str()) + 1);
}

// The part of a request that travels in a memory file; fills in what the request says of it.
std::string strings_of(const CommandSpec& spec, kiln_stub_request& request) {
  std::string text;
  append(text, spec.cwd);
  append(text, std::filesystem::path(spec.program).filename().string());
  for (const auto& argument : spec.argv) append(text, argument);
  for (const auto& variable : spec.environment) append(text, variable);
  constexpr std::size_t kPointer = sizeof(char*);
  request.pointers_at = (text.size() + kPointer - 1) / kPointer * kPointer;
  request.argument_count = static_cast<std::uint32_t>(spec.argv.size());
  request.environment_count = static_cast<std::uint32_t>(spec.environment.size());
  request.file_bytes =
      request.pointers_at + (spec.argv.size() + spec.environment.size() + 2) * kPointer;
  return text;
}

Result<UniqueFd> memory_file(const std::string& text, std::uint64_t size) {
  UniqueFd file(::memfd_create("request", MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("cannot make a memory file", errno);
  KILN_TRY(write_all(file.get(), text));
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) {
    return fail_errno("cannot make a memory file of " + std::to_string(size) + " bytes", errno);
  }
  return file;
}

Result<kiln_stub_word> next_word(int socket, TimePoint deadline) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return fail(Errc::timed_out, "a held program does not answer");
    pollfd watched{socket, POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(left.count())) <= 0) continue;
    kiln_stub_word word{};
    const auto count = ::recv(socket, &word, sizeof word, MSG_DONTWAIT);
    if (count == static_cast<ssize_t>(sizeof word)) return word;
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    return fail(Errc::unavailable, "a held program's process has ended");
  }
}

Error describe(const kiln_stub_word& word, const CommandSpec& spec) {
  switch (word.kind) {
    case KILN_STUB_NO_MEMORY:
      return system_error("cannot take over the arguments of the command", word.number);
    case KILN_STUB_NO_DESCRIPTORS:
      return system_error("cannot arrange the descriptors of the command", word.number);
    case KILN_STUB_NO_LIMITS:
      return system_error("cannot set the resource limits of the command", word.number);
    case KILN_STUB_NO_DIRECTORY:
      return system_error("cannot enter the task's directory " + spec.cwd, word.number);
    case KILN_STUB_REFUSED:
      return system_error("cannot fork " + spec.program, word.number);
    default:
      return Error{Errc::corrupt, "a held program's process said what it never says"};
  }
}

}  // namespace

Status StubClient::wait_hello(TimePoint deadline) {
  KILN_TRY_ASSIGN(const auto word, next_word(socket_.get(), deadline));
  if (word.kind != KILN_STUB_HELLO) return fail(describe(word, {}));
  if (word.number != 0) return fail(Errc::unsupported, "opens files before main");
  return {};
}

Status StubClient::send_request(const CommandSpec& spec) {
  kiln_stub_request request{};
  const auto text = strings_of(spec, request);
  request.umask = spec.umask;
  request.most_processes = kMostProcesses;
  request.most_bytes_of_file = spec.file_size_limit;
  KILN_TRY_ASSIGN(const auto file, memory_file(text, request.file_bytes));
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid()) return fail_errno("cannot open /dev/null", errno);
  const std::array<int, 4> descriptors{file.get(), null.get(), spec.standard_output,
                                       spec.standard_error};
  iovec part{&request, sizeof request};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptors)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  auto* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof descriptors);
  std::memcpy(CMSG_DATA(head), descriptors.data(), sizeof descriptors);
  while (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno != EINTR) return fail_errno("cannot ask a held program's process to fork", errno);
  }
  return {};
}

Result<StartedCommand> StubClient::start(const CommandSpec& spec, TimePoint deadline) {
  if (spec.argv.empty()) return fail(Errc::invalid_argument, "a task without arguments");
  KILN_TRY(send_request(spec));
  StartedCommand started;
  std::optional<Error> failure;
  // Two words, of two processes, in any order.
  for (bool begins = false; started.pid < 0 || !begins;) {
    KILN_TRY_ASSIGN(const auto word, next_word(socket_.get(), deadline));
    if (word.kind == KILN_STUB_FORKED) {
      started.pid = word.number;
    } else {
      begins = true;
      started.executed = Clock::now();
      if (word.kind != KILN_STUB_BEGINS) failure = describe(word, spec);
      if (word.kind == KILN_STUB_REFUSED) break;
    }
  }
  if (!failure) return started;
  if (started.pid > 0) ::waitpid(started.pid, nullptr, 0);
  return fail(std::move(*failure));
}

}  // namespace kiln::worker
