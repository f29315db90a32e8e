#include "tests/unit/worker/server/farm.h"

#include <csignal>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/auth/lease_token.h"
#include "common/transfer/inline_blob.h"

namespace kiln::worker {
namespace {

constexpr Duration kPatience = seconds(60);
constexpr Duration kLook = milliseconds(2);
constexpr std::size_t kLarge = 4'000'000;  // bytes of a blob

pid_t spawn(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

// Bytes of memory as a blob.
class Reader final : public net::BlobReader {
 public:
  explicit Reader(std::string content) : content_(std::move(content)) {}
  std::uint64_t size() const override { return content_.size(); }
  wire::Encoding encoding() const override { return wire::Encoding::raw; }
  Result<std::string> read(std::size_t max_bytes) override {
    std::string part = content_.substr(at_, max_bytes);
    at_ += part.size();
    return part;
  }

 private:
  std::string content_;
  std::size_t at_ = 0;
};

}  // namespace

// ---- TestFarm
// ------------------------------------------------------------------------------------

TestFarm::TestFarm() : reactor(std::move(*net::Reactor::create())) {
  bind("tcp://127.0.0.1:0");
}

void TestFarm::bind(const std::string& address) {
  while (!coordinator_) {  // the address of one that was just closed is free a moment later
    auto bound = net::Router::bind(*reactor, context, address);
    if (bound) coordinator_ = std::move(*bound);
  }
  coordinator_->on_message(
      [this](const net::PeerId& peer, wire::Frames frames) { receive(peer, std::move(frames)); });
  coordinator_->on_disconnect([this](const net::PeerId& peer) {
    const auto named = names_.find(peer);  // not the connection for streams
    if (named != names_.end()) workers_[named->second].left = true;
  });
}

void TestFarm::restart_coordinator() {
  const std::string address = coordinator_->endpoint();
  coordinator_.reset();
  ++epoch;
  secret += " changed";
  for (auto& [name, worker] : workers_) worker.node = {};
  bind(address);
}

TestFarm::~TestFarm() {
  for (const auto& [name, worker] : workers_) {
    if (worker.pid <= 0) continue;
    ::kill(worker.pid, SIGKILL);
    ::waitpid(worker.pid, nullptr, 0);
  }
}

StartedWorker& TestFarm::start(const std::string& name, int slots,
                               const std::vector<std::string>& flags) {
  const std::string address = coordinator_->endpoint().substr(std::string("tcp://").size());
  std::vector<std::string> arguments = {KILN_WORKER_PROGRAM,
                                        "--coordinator",
                                        address,
                                        "--listen",
                                        "tcp://127.0.0.1:0",
                                        "--advertise",
                                        "127.0.0.1",
                                        "--http",
                                        "127.0.0.1:0",
                                        "--log-level",
                                        "warning",
                                        "--name",
                                        name,
                                        "--slots",
                                        std::to_string(slots),
                                        "--store",
                                        directory.path() / name};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  StartedWorker& started = workers_[name];
  started = {};
  started.pid = spawn(arguments);
  const bool came = until([&] { return started.occupancy.ready == static_cast<unsigned>(slots); });
  EXPECT_TRUE(came) << "the worker did not get ready";
  return started;
}

void TestFarm::receive(const net::PeerId& peer, wire::Frames frames) {
  auto envelope = wire::decode(std::move(frames));
  ASSERT_TRUE(envelope) << envelope.error().message;
  if (auto* hello = std::get_if<wire::WorkerHello>(&envelope->message)) {
    const std::string name = hello->node.name;
    names_[peer] = name;
    workers_[name].node = std::move(hello->node);
    workers_[name].occupancy = std::move(hello->occupancy);
    const wire::WorkerWelcome welcome{epoch, secret, 200, 3};
    EXPECT_TRUE(coordinator_->send(peer, wire::encode(welcome)));
  } else if (auto* report = std::get_if<wire::OccupancyReport>(&envelope->message)) {
    auto& occupancy = workers_[report->worker].occupancy;
    EXPECT_GT(report->occupancy.sequence, occupancy.sequence) << "absolute states have an order";
    occupancy = std::move(report->occupancy);
  } else if (auto* pools = std::get_if<wire::PoolReport>(&envelope->message)) {
    auto& worker = workers_[pools->worker];
    if (pools->complete || !pools->definitions.empty()) worker.definitions = pools->definitions;
    worker.reports_to = pools->coordinator_epoch;
    for (auto& pool : pools->pools) worker.pools[pool.name] = std::move(pool);
  } else if (const auto* goodbye = std::get_if<wire::WorkerGoodbye>(&envelope->message)) {
    workers_[goodbye->worker].left = true;
  }
}

void TestFarm::order(const std::string& name, const std::vector<PoolOrder>& orders) {
  for (const auto& [peer, known] : names_) {
    if (known != name || workers_.at(name).left) continue;
    EXPECT_TRUE(coordinator_->send(peer, wire::encode(wire::PoolOrders{epoch, false, orders})));
  }
}

Lease TestFarm::lease(const std::string& name, std::uint32_t tasks, const std::string& pool) {
  const NodeInfo& node = workers_.at(name).node;
  Lease lease;
  lease.id = {epoch, ++last_lease_};
  lease.worker = node.name;
  lease.worker_epoch = node.epoch;
  lease.tasks = tasks;
  lease.lifetime_ms = 60'000;
  lease.pool = pool;
  lease.token = auth::sign_lease(lease, secret);
  return lease;
}

void TestFarm::signal(const std::string& name, int number) {
  ::kill(workers_.at(name).pid, number);
}

int TestFarm::wait_for_end(const std::string& name) {
  StartedWorker& worker = workers_.at(name);
  int status = -1;
  const bool ended = until([&] { return ::waitpid(worker.pid, &status, WNOHANG) == worker.pid; });
  if (!ended) return -1;
  worker.pid = 0;
  return status;
}

bool TestFarm::until(const std::function<bool()>& condition) {
  const TimePoint deadline = reactor->now() + kPatience;
  bool met = false;
  std::function<void()> look = [&] {
    met = condition();
    if (met || reactor->now() >= deadline) return reactor->stop();
    reactor->call_after(kLook, look);
  };
  look();
  reactor->run();
  return met;
}

// ---- TestAgent
// -----------------------------------------------------------------------------------

class TestAgent::Source final : public net::BlobSource {
 public:
  explicit Source(const Blobs& blobs) : blobs_(blobs) {}
  Result<std::unique_ptr<net::BlobReader>> open(const Digest& digest) override {
    const auto found = blobs_.find(digest);
    if (found == blobs_.end()) return fail(Errc::not_found, "no such blob");
    return std::unique_ptr<net::BlobReader>(new Reader(found->second));
  }

 private:
  const Blobs& blobs_;  // complete before the first transfer
};

// Gets small blobs into memory, decoded by the frame that they make up.
class TestAgent::Sink final : public net::BlobSink {
 public:
  Result<std::unique_ptr<net::BlobWriter>> begin(const Digest& digest, std::uint64_t size,
                                                 wire::Encoding encoding) override {
    return std::unique_ptr<net::BlobWriter>(new Writer(*this, digest, size, encoding));
  }
  Blobs arrived;

 private:
  class Writer final : public net::BlobWriter {
   public:
    Writer(Sink& sink, const Digest& digest, std::uint64_t size, wire::Encoding encoding)
        : sink_(sink), digest_(digest), size_(size), encoding_(encoding) {}
    Status write(std::string_view encoded) override {
      bytes_ += encoded;
      return {};
    }
    Status finish() override {
      KILN_TRY_ASSIGN(auto content, transfer::decode_frame(bytes_, encoding_, size_, 1U << 30U));
      if (digest_of(content) != digest_) return fail(Errc::corrupt, "not what was asked for");
      sink_.arrived[digest_] = std::move(content);
      return {};
    }

   private:
    Sink& sink_;
    Digest digest_;
    std::uint64_t size_;
    wire::Encoding encoding_;
    std::string bytes_;
  };
};

TestAgent::TestAgent(TestFarm& farm, const std::string& worker)
    : lease(farm.lease(worker)),
      farm_(farm),
      source_(std::make_unique<Source>(blobs)),
      sink_(std::make_unique<Sink>()) {
  const NodeInfo& node = farm.worker(worker).node;
  dealer_ = std::move(*net::Dealer::connect(*farm.reactor, farm.context, node.task_address));
  dealer_->on_message([this](wire::Frames frames) {
    auto envelope = wire::decode(std::move(frames));
    ASSERT_TRUE(envelope) << envelope.error().message;
    if (const auto* wanted = std::get_if<wire::Need>(&envelope->message)) need(*wanted);
    received.push_back(std::move(*envelope));
  });
  dealer_->on_state([this](bool connected) { connections += connected ? 1 : 0; });
  const net::BulkParts parts{*farm.reactor, farm.context, pool_, *source_, *sink_};
  bulk_ = std::move(*net::BulkClient::connect(parts, node.bulk_address));
  EXPECT_TRUE(farm.until([this] { return connections == 1; }));
  static std::uint64_t agents = 0;
  last_attempt = {++agents, 0};
  inputs.add_directory("/build");
}

TestAgent::~TestAgent() = default;

wire::Run TestAgent::make_run(const std::string& script) {
  wire::Run run;
  run.lease = lease;
  ++last_attempt.number;
  run.attempt = last_attempt;
  run.task.label = "script";
  run.task.program = "/bin/sh";
  run.task.argv = {"sh", "-c", script};
  run.task.environment = {{"PATH", "/bin"}};
  run.task.cwd = "/build";
  run.task.toolchain = toolchain.finish(blobs);
  run.task.inputs = inputs.finish(blobs);
  run.task.outputs = {"/build/out"};
  return run;
}

void TestAgent::send(const wire::Message& message, wire::Frames frames) {
  const auto sent = dealer_->send(wire::encode(message, std::move(frames)));
  EXPECT_TRUE(sent) << sent.error().message;
}

void TestAgent::send_frames(wire::Frames frames) {
  EXPECT_TRUE(dealer_->send(std::move(frames)));
}

void TestAgent::send_without_large_blobs(wire::Run run) {
  const Blobs all = blobs;
  std::erase_if(blobs, [](const auto& blob) { return blob.second.size() >= kLarge; });
  send_with_blobs(std::move(run));
  blobs = all;
}

void TestAgent::send_with_blobs(wire::Run run) {
  wire::Frames frames;
  for (const auto& [digest, content] : blobs) {
    auto frame = transfer::encode_frame(content);
    run.blobs.push_back(transfer::describe_blob(digest, content.size(), frame));
    frames.push_back(std::move(frame.bytes));
  }
  send(run, std::move(frames));
}

void TestAgent::need(const wire::Need& message) {
  needed.insert(needed.end(), message.digests.begin(), message.digests.end());
  wire::Supply supply;
  supply.attempt = message.attempt;
  wire::Frames frames;
  for (const auto& digest : message.digests) {
    ASSERT_TRUE(answer == Answer::none || answer == Answer::missing || blobs.contains(digest));
    if (answer == Answer::bulk) {
      bulk_->put(digest, [this](const Status& status) { EXPECT_NE(!!status, uploads_fail); });
    } else if (answer == Answer::missing) {
      supply.missing.push_back(digest);
    } else if (answer == Answer::supply) {
      auto frame = transfer::encode_frame(blobs.at(digest));
      supply.blobs.push_back(transfer::describe_blob(digest, blobs.at(digest).size(), frame));
      frames.push_back(std::move(frame.bytes));
    }
  }
  if (answer == Answer::supply || answer == Answer::missing) send(supply, std::move(frames));
}

wire::RunResult TestAgent::finish() {
  auto result = expect<wire::RunResult>();
  EXPECT_EQ(result.attempt, last_attempt);
  send(wire::Ack{result.attempt});
  return result;
}

std::string TestAgent::fetch(const Digest& digest) {
  bool done = false;
  bulk_->get(digest, [&](const Status& status) {
    EXPECT_TRUE(status) << status.error().message;
    done = true;
  });
  EXPECT_TRUE(farm_.until([&] { return done; }));
  return sink_->arrived[digest];
}

std::string TestAgent::standard_output(const wire::RunResult& result) const {
  if (raw.empty()) return "(nothing)";
  return transfer::decode_frame(raw[0], result.stdout_encoding, result.stdout_size, 1U << 30U)
      .value_or("(unreadable)");
}

}  // namespace kiln::worker
