#include "common/net/gatekeeper.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include <sys/epoll.h>
#include <zmq.h>

#include "common/net/curve.h"
#include "common/net/part.h"
#include "common/wire/codec.h"

namespace kiln::net {
namespace {

// The frames of a question, behind the asker's routing id and an empty one.
enum Place : std::size_t { kVersion, kRequest, kDomain, kAddress, kIdentity, kMechanism, kKey };

std::optional<wire::Frames> receive_all(void* socket) {
  wire::Frames frames;
  bool more = true;
  while (more) {
    Part part;
    if (!part.receive(socket)) return std::nullopt;
    more = part.more();
    frames.push_back(part.bytes());
  }
  return frames;
}

// Nothing for what is no question about a CURVE key.
std::optional<Visitor> read_question(const wire::Frames& question) {
  if (question.size() <= kKey || question[kVersion] != "1.0") return std::nullopt;
  Visitor visitor{question[kDomain], question[kAddress], {}};
  const auto& key = question[kKey];
  if (question[kMechanism] != "CURVE" || key.size() != visitor.key.bytes.size()) {
    return std::nullopt;
  }
  std::copy(key.begin(), key.end(), visitor.key.bytes.begin());
  return visitor;
}

}  // namespace

struct Gatekeeper::State {
  Reactor& reactor;
  std::function<bool(const Visitor&)> admit;
  void* socket = nullptr;
  int fd = -1;

  ~State() {
    if (fd >= 0) reactor.unwatch_fd(fd);
    if (socket != nullptr) zmq_close(socket);
  }
  void turn();
  void answer(wire::Frames question);
};

void Gatekeeper::State::turn() {
  while (readable(socket)) {
    while (auto question = receive_all(socket)) answer(std::move(*question));
  }
}

void Gatekeeper::State::answer(wire::Frames question) {
  constexpr std::size_t kEnvelope = 2;
  if (question.size() <= kEnvelope + kRequest) return;
  std::string asker = std::move(question[0]);
  question.erase(question.begin(), question.begin() + kEnvelope);
  const auto visitor = read_question(question);
  const bool admitted = visitor && admit(*visitor);
  wire::Frames reply = {std::move(asker),
                        "",
                        "1.0",
                        question[kRequest],
                        admitted ? "200" : "400",
                        "",
                        admitted ? user_id(visitor->key) : "",
                        ""};
  for (std::size_t i = 0; i < reply.size(); ++i) {
    Part(std::move(reply[i])).send(socket, i + 1 < reply.size());
  }
}

Gatekeeper::Gatekeeper(std::unique_ptr<State> state) : state_(std::move(state)) {}
Gatekeeper::~Gatekeeper() = default;

Result<std::unique_ptr<Gatekeeper>> Gatekeeper::open(Reactor& reactor, Context& context,
                                                     std::function<bool(const Visitor&)> admit) {
  auto state = std::unique_ptr<State>(new State{reactor, std::move(admit)});
  state->socket = zmq_socket(context.handle(), ZMQ_ROUTER);
  if (state->socket == nullptr) return fail_zmq("create the gatekeeper", zmq_errno());
  const int zero = 0;
  zmq_setsockopt(state->socket, ZMQ_LINGER, &zero, sizeof zero);
  if (zmq_bind(state->socket, "inproc://zeromq.zap.01") != 0) {
    return fail_zmq("bind the gatekeeper", zmq_errno());
  }
  KILN_TRY_ASSIGN(const int fd, descriptor_of(state->socket));
  State* const raw = state.get();
  KILN_TRY(reactor.watch_fd(fd, EPOLLIN, [raw](std::uint32_t) { raw->turn(); }));
  state->fd = fd;
  return std::unique_ptr<Gatekeeper>(new Gatekeeper(std::move(state)));
}

}  // namespace kiln::net
