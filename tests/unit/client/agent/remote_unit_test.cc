// A task on its way through a farm that loses, refuses and forgets.
#include "client/agent/remote_unit.h"

#include <future>

#include <gtest/gtest.h>

#include "common/base/files.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/client/agent/fake_coordinator.h"
#include "tests/unit/client/agent/fake_worker.h"
#include "tests/unit/client/agent/turning.h"

namespace kiln::client {
namespace {

class RemoteUnitTest : public testing::Test {
 protected:
  RemoteUnitTest() {
    spool_ = std::move(*store::BlobStore::open(
        {.directory = directory_.path() / "spool", .limit_bytes = 0, .file_system = nullptr}));
    sink_ = std::make_unique<transfer::StoreSink>(*spool_);
    FarmLink::Handlers handlers;
    handlers.grant = [this](const wire::Grant& grant) { leases_->granted(grant); };
    handlers.refused = [this](const wire::Refused& refusal) { leases_->refused(refusal); };
    handlers.changed = [this] { leases_->farm_changed(); };
    farm_ = std::make_unique<FarmLink>(*reactor_, context_, Logger(), wire::ClientHello{},
                                       std::move(handlers));
    leases_ = std::make_unique<LeaseDesk>(*reactor_, *farm_, BookPolicy{});
    EXPECT_TRUE(farm_->connect({*net::parse_endpoint(coordinator_.endpoint(), 0)}, {}, ""));
    const net::BulkParts parts{*reactor_, context_, *pool_, uploads_, *sink_};
    workers_ = std::make_unique<WorkerPool>(
        parts, Logger(), wire::PeerHello{}, WorkerRoutes::Options{Route::direct, {}, {}},
        [this](const std::string& worker) { leases_->drop_worker(worker); });
    access_ =
        std::make_unique<FarmAccess>(FarmAccess{*reactor_, *pool_, *leases_, *workers_, uploads_,
                                                *spool_, PartLogs(Logger()), 9, 0, "build"});
    coordinator_.granted = worker_.lease();
    inputs_->listings.emplace_back(digest_of("listing"), "listing");
    toolchain_->listings.emplace_back(digest_of("tools"), "tools");
    toolchain_->root = digest_of("tools");
  }
  ~RemoteUnitTest() override {
    unit_.reset();
    workers_.reset();
    leases_.reset();
    farm_.reset();
    pool_.reset();
  }

  void add_input(const std::string& name, const std::string& content) {
    const std::string path = directory_.path() / name;
    ASSERT_TRUE(write_file_atomically(path, content, 0644));
    inputs_->files.push_back({digest_of(content), path, content.size()});
  }

  void start(bool fallback = true) {
    auto prepared = std::make_shared<PreparedUnit>();
    prepared->inputs = inputs_;
    prepared->toolchain = toolchain_;
    prepared->task.outputs = {object_};
    prepared->task.toolchain = toolchain_->root;
    CallSettings settings;
    settings.fallback = fallback;
    unit_ = std::make_unique<RemoteUnit>(*access_, std::move(prepared), settings);
    unit_->start([this](UnitOutcome outcome) { outcome_ = std::move(outcome); });
  }
  bool until(const std::function<bool()>& condition, Duration limit = seconds(15)) {
    return turn_until(*reactor_, condition, limit);
  }
  template <typename Kind>
  bool got(std::size_t number = 1) {
    return until([&] { return worker_.count<Kind>() >= number; });
  }
  bool ended() {
    return until([&] { return outcome_.has_value(); });
  }
  const wire::Run& run() { return worker_.last<wire::Run>(); }

  test_support::TemporaryDirectory directory_;
  const std::string object_ = directory_.path() / "a.o";
  std::unique_ptr<net::Reactor> reactor_ = std::move(*net::Reactor::create());
  net::Context context_;
  FakeCoordinator coordinator_{*reactor_, context_};
  FakeWorker worker_{*reactor_, context_, directory_.path() / "worker"};
  std::unique_ptr<store::BlobStore> spool_;
  std::unique_ptr<transfer::StoreSink> sink_;
  UploadSource uploads_;
  std::unique_ptr<ThreadPool> pool_ = std::make_unique<ThreadPool>(1);
  std::unique_ptr<FarmLink> farm_;
  std::unique_ptr<LeaseDesk> leases_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<FarmAccess> access_;
  std::shared_ptr<InputTree> inputs_ = std::make_shared<InputTree>();
  std::shared_ptr<Toolchain> toolchain_ = std::make_shared<Toolchain>();
  std::unique_ptr<RemoteUnit> unit_;
  std::optional<UnitOutcome> outcome_;
};

TEST_F(RemoteUnitTest, runs_writes_and_acknowledges) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  EXPECT_EQ(run().blobs.size(), 2U);
  worker_.send(wire::Accepted{run().attempt, TaskPhase::staging, 0});
  worker_.send_result(run(), 0, "a warning");
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->kind, Step::Kind::done);
  EXPECT_EQ(outcome_->err, "a warning");
  EXPECT_EQ(read_file(object_).value_or(""), "object");
  EXPECT_TRUE(got<wire::Ack>());
}

TEST_F(RemoteUnitTest, what_the_worker_knows_all_of_is_sent_at_once) {
  add_input("small", "small");
  start();
  ASSERT_TRUE(got<wire::Run>());
  EXPECT_EQ(run().blobs.size(), 3U);
  worker_.send_result(run(), 0);
  ASSERT_TRUE(ended());
  // Nothing is left to be packed, so a pool that is busy holds nothing up.
  std::promise<void> busy;
  pool_->post([until = busy.get_future().share()] { until.wait(); });
  start();
  EXPECT_TRUE(got<wire::Run>(2));
  EXPECT_TRUE(run().blobs.empty());
  busy.set_value();
}

TEST_F(RemoteUnitTest, need_is_answered_by_message_and_upload) {
  const std::string large(300'000, 'x');
  add_input("small", "small");
  add_input("large", large);
  start();
  ASSERT_TRUE(got<wire::Run>());
  worker_.send(wire::Need{run().attempt, {digest_of("small"), digest_of(large)}});
  ASSERT_TRUE(got<wire::Supply>());
  EXPECT_EQ(worker_.last<wire::Supply>().blobs.size(), 1U);
  EXPECT_TRUE(until([&] { return worker_.store().contains(digest_of(large)); }));
  worker_.send_result(run(), 0);
  EXPECT_TRUE(ended());
}

TEST_F(RemoteUnitTest, an_upload_that_cannot_be_made_is_confessed) {
  add_input("large", std::string(300'000, 'x'));
  start();
  ASSERT_TRUE(got<wire::Run>());
  ASSERT_TRUE(write_file_atomically(directory_.path() / "large", "changed", 0644));
  const Digest digest = inputs_->files.front().digest;
  worker_.send(wire::Need{run().attempt, {digest}});
  ASSERT_TRUE(got<wire::Supply>());
  EXPECT_EQ(worker_.last<wire::Supply>().missing, std::vector<Digest>{digest});
}

TEST_F(RemoteUnitTest, large_outputs_are_fetched_before_the_acknowledgement) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  const std::string large(3'000'000, 'o');
  const auto pin = worker_.store().put(large);
  wire::RunResult result;
  result.attempt = run().attempt;
  result.result.outcome = Outcome::exited;
  result.result.outputs.push_back({object_, 0755, large.size(), digest_of(large)});
  worker_.send(result, {"", ""});
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->kind, Step::Kind::done);
  EXPECT_EQ(read_file(object_).value_or(""), large);
}

TEST_F(RemoteUnitTest, a_lost_result_is_asked_for) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  ASSERT_TRUE(got<wire::Reclaim>()) << "nothing was answered";
  worker_.send_result(run(), 0);
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->trace.attempts.size(), 1U);
}

TEST_F(RemoteUnitTest, a_broken_connection_is_made_again_and_the_task_reclaimed) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  worker_.send(wire::Accepted{run().attempt, TaskPhase::running, 0});
  worker_.hang_up();
  ASSERT_TRUE(got<wire::Reclaim>());
  EXPECT_EQ(worker_.last<wire::Reclaim>().attempt, run().attempt);
  worker_.send_result(run(), 0);
  ASSERT_TRUE(ended());
  EXPECT_EQ(worker_.count<wire::Run>(), 1U);
}

TEST_F(RemoteUnitTest, a_forgotten_task_is_tried_elsewhere) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  worker_.send(wire::Unknown{run().attempt});
  ASSERT_TRUE(got<wire::Run>(2));
  EXPECT_EQ(coordinator_.acquires.back().excluded, std::vector<std::string>{"fake"});
  worker_.send_result(run(), 0);
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->trace.attempts.size(), 2U);
}

TEST_F(RemoteUnitTest, when_each_attempt_was_where_is_noted) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  worker_.send(wire::Unknown{run().attempt});
  ASSERT_TRUE(got<wire::Run>(2));
  worker_.send_result(run(), 0);
  ASSERT_TRUE(ended());
  const AttemptTrace& lost = outcome_->trace.attempts.front();
  const AttemptTrace& good = outcome_->trace.attempts.back();
  const std::vector<TimePoint> times = {lost.asked, lost.leased, lost.sent,
                                        lost.ended, good.asked,  good.leased,
                                        good.sent,  good.ended,  good.written};
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  EXPECT_GT(times.front(), TimePoint{});
  EXPECT_EQ(lost.written, TimePoint{});
  EXPECT_GT(lost.bytes_in, 0U);
  EXPECT_EQ(good.bytes_out, std::string("object").size());
}

TEST_F(RemoteUnitTest, a_worker_that_is_gone_sends_the_call_home) {
  coordinator_.granted.task_address = "tcp://127.0.0.1:1";
  start();
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->kind, Step::Kind::locally);
  EXPECT_EQ(outcome_->reason, "worker_lost");
  EXPECT_EQ(outcome_->trace.attempts.size(), 3U);
}

TEST_F(RemoteUnitTest, another_process_at_the_workers_address_is_not_it) {
  worker_.epoch = 6;
  start();
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->reason, "worker_lost");
  EXPECT_EQ(worker_.count<wire::Run>(), 0U);
}

TEST_F(RemoteUnitTest, busy_takes_another_lease_and_releases_the_refused_one) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  const LeaseId first = run().lease.id;
  worker_.send(wire::Busy{run().attempt, "no_slot"});
  ASSERT_TRUE(got<wire::Run>(2));
  EXPECT_NE(run().lease.id, first);
  EXPECT_TRUE(until([&] { return !coordinator_.released.empty(); }));
  EXPECT_EQ(coordinator_.released.front(), first);
}

TEST_F(RemoteUnitTest, destroying_the_unit_cancels_the_task) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  unit_.reset();
  ASSERT_TRUE(got<wire::Cancel>());
  EXPECT_EQ(worker_.last<wire::Cancel>().attempt, run().attempt);
  worker_.send_result(run(), 0);
  EXPECT_TRUE(got<wire::Ack>()) << "nobody wants it, and the worker may forget it";
  EXPECT_FALSE(outcome_);
}

TEST_F(RemoteUnitTest, a_missing_file_is_the_local_compilers_to_say) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  worker_.send_result(run(), 1, "a.c:1: fatal error: x.h: No such file or directory");
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->kind, Step::Kind::locally);
  EXPECT_EQ(outcome_->reason, "input_missing");
}

TEST_F(RemoteUnitTest, without_fallback_the_command_is_believed) {
  start(false);
  ASSERT_TRUE(got<wire::Run>());
  worker_.send_result(run(), 1, "x.h: No such file or directory");
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->kind, Step::Kind::done);
  EXPECT_EQ(outcome_->exit_code, 1);
}

TEST_F(RemoteUnitTest, without_fallback_a_full_disk_is_tried_elsewhere) {
  start(false);
  ASSERT_TRUE(got<wire::Run>());
  worker_.send_result(run(), 1, "error writing a.o: No space left on device");
  ASSERT_TRUE(got<wire::Run>(2));
  worker_.send_result(run(), 0);
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->kind, Step::Kind::done);
}

TEST_F(RemoteUnitTest, a_good_end_without_the_object_is_tried_elsewhere_or_at_home) {
  for (const bool fallback : {true, false}) {
    outcome_.reset();
    worker_.received.clear();
    start(fallback);
    for (std::size_t attempts = 1; attempts <= (fallback ? 1 : 3); ++attempts) {
      ASSERT_TRUE(got<wire::Run>(attempts));
      wire::RunResult result;
      result.attempt = run().attempt;
      result.result.outcome = Outcome::exited;
      worker_.send(result, {"", ""});
    }
    ASSERT_TRUE(ended());
    EXPECT_EQ(outcome_->kind, fallback ? Step::Kind::locally : Step::Kind::fail);
    EXPECT_EQ(outcome_->reason, "output_missing");
    EXPECT_FALSE(std::filesystem::exists(object_));
  }
}

TEST_F(RemoteUnitTest, limits_of_the_farm_send_the_call_home_or_fail_it) {
  for (const bool fallback : {true, false}) {
    outcome_.reset();
    start(fallback);
    const auto runs = worker_.count<wire::Run>();
    ASSERT_TRUE(got<wire::Run>(runs + 1));
    wire::RunResult result;
    result.attempt = run().attempt;
    result.result.outcome = Outcome::output_limit;
    result.stdout_size = 4;
    worker_.send(result, {"half", ""});
    ASSERT_TRUE(ended());
    EXPECT_EQ(outcome_->kind, fallback ? Step::Kind::locally : Step::Kind::fail);
    EXPECT_EQ(outcome_->reason, "output_limit");
    EXPECT_EQ(outcome_->out, fallback ? "" : "half") << "else the compiler says it again";
  }
}

TEST_F(RemoteUnitTest, pools_that_are_not_there_or_broken_have_their_reasons) {
  const std::vector<std::pair<Errc, std::string>> cases = {
      {Errc::invalid_argument, "no_pool"}, {Errc::permission_denied, "pool_broken"}};
  for (const auto& [code, reason] : cases) {
    outcome_.reset();
    coordinator_.refusal = code;
    start(false);
    ASSERT_TRUE(ended());
    EXPECT_EQ(outcome_->kind, Step::Kind::fail);
    EXPECT_EQ(outcome_->reason, reason);
  }
}

TEST_F(RemoteUnitTest, PoolConformance_row_16_a_pool_broken_on_a_node_is_tried_on_another) {
  start(false);
  ASSERT_TRUE(got<wire::Run>());
  worker_.send(wire::Busy{run().attempt, "pool_broken"});
  ASSERT_TRUE(until([&] { return coordinator_.acquires.size() >= 2; }));
  EXPECT_EQ(coordinator_.acquires.back().excluded, std::vector<std::string>{"fake"});
}

// What a worker's messages may come to, with two tasks on it at once.
class ResultTest : public RemoteUnitTest {
 protected:
  ~ResultTest() override { other_.reset(); }

  // The tasks' RUNs, in order.
  std::vector<wire::Run> start_both() {
    start(false);
    EXPECT_TRUE(got<wire::Run>());
    auto prepared = std::make_shared<PreparedUnit>();
    prepared->inputs = inputs_;
    prepared->toolchain = toolchain_;
    prepared->task.outputs = {directory_.path() / "b.o"};
    prepared->task.toolchain = toolchain_->root;
    CallSettings settings;
    settings.fallback = false;
    other_ = std::make_unique<RemoteUnit>(*access_, std::move(prepared), settings);
    other_->start([this](UnitOutcome outcome) { other_outcome_ = std::move(outcome); });
    EXPECT_TRUE(got<wire::Run>(2));
    std::vector<wire::Run> runs;
    for (const auto& message : worker_.received) {
      if (const auto* run = std::get_if<wire::Run>(&message)) runs.push_back(*run);
    }
    return runs;
  }
  static wire::Frames nobodys() { return {wire::encode(wire::RunResult{}).front(), "no map"}; }
  wire::RunResult result_of(const wire::Run& run) {
    wire::RunResult result;
    result.attempt = run.attempt;
    result.result.outcome = Outcome::exited;
    return result;
  }
  // The first task's result is bad in whatever way, however often it is tried; the second's is not.
  void expect_only_the_first_to_fail(const std::function<void(const wire::Run&)>& send_bad) {
    const auto runs = start_both();
    ASSERT_EQ(runs.size(), 2U);
    send_bad(runs[0]);
    ASSERT_TRUE(got<wire::Ack>()) << "nothing is gained by sending it again";
    for (std::size_t tries = 2; tries <= 3; ++tries) {
      ASSERT_TRUE(got<wire::Run>(tries + 1)) << "another node may do better";
      send_bad(run());
    }
    ASSERT_TRUE(ended());
    EXPECT_EQ(outcome_->kind, Step::Kind::fail);
    EXPECT_EQ(outcome_->reason, "result_invalid");
    EXPECT_FALSE(other_outcome_.has_value());
    worker_.send_result(runs[1], 0);
    ASSERT_TRUE(until([&] { return other_outcome_.has_value(); }));
    EXPECT_EQ(other_outcome_->kind, Step::Kind::done);
    EXPECT_EQ(other_outcome_->trace.attempts.size(), 1U);
  }

  std::unique_ptr<RemoteUnit> other_;
  std::optional<UnitOutcome> other_outcome_;
};

TEST_F(ResultTest, PoolConformance_row_17_a_result_that_cannot_be_decoded_fails_only_its_task) {
  expect_only_the_first_to_fail([this](const wire::Run& run) {
    auto frames = wire::encode(result_of(run), {"", ""});
    frames[1].resize(frames[1].size() / 2);
    worker_.answer(run, std::move(frames));
  });
  EXPECT_NE(outcome_->detail.find("RunResult"), std::string::npos) << outcome_->detail;
}

TEST_F(ResultTest, PoolConformance_row_17_a_result_without_its_frames_fails_only_its_task) {
  expect_only_the_first_to_fail(
      [this](const wire::Run& run) { worker_.answer(run, wire::encode(result_of(run), {""})); });
}

TEST_F(ResultTest, PoolConformance_row_17_a_truncated_stream_fails_only_its_task) {
  expect_only_the_first_to_fail([this](const wire::Run& run) {
    auto result = result_of(run);
    result.stdout_size = 1'000;
    worker_.answer(run, wire::encode(result, {"half of it", ""}));
  });
}

TEST_F(ResultTest, PoolConformance_row_17_a_result_too_large_fails_only_its_task) {
  expect_only_the_first_to_fail([this](const wire::Run& run) {
    auto result = result_of(run);
    result.stdout_encoding = wire::Encoding::zstd;
    result.stdout_size = std::uint64_t{1} << 40U;
    worker_.answer(run, wire::encode(result, {"no such stream", ""}));
  });
}

TEST_F(ResultTest, PoolConformance_row_17_an_output_that_is_not_what_it_says_fails_only_its_task) {
  expect_only_the_first_to_fail([this](const wire::Run& run) {
    auto result = result_of(run);
    const auto digest = digest_of("object");
    result.result.outputs.push_back({run.task.outputs.front(), 0644, 6, digest});
    result.blobs.push_back(transfer::describe_blob(digest, 6, {wire::Encoding::raw, "object"}));
    worker_.answer(run, wire::encode(result, {"", "", "abject"}));
  });
  EXPECT_FALSE(std::filesystem::exists(object_));
}

TEST_F(ResultTest, PoolConformance_row_17_a_message_of_nobody_has_both_tasks_asked_for) {
  const auto runs = start_both();
  ASSERT_EQ(runs.size(), 2U);
  worker_.answer(runs[0], nobodys());
  ASSERT_TRUE(got<wire::Reclaim>(2));
  for (const auto& run : runs) worker_.send_result(run, 0);
  ASSERT_TRUE(ended());
  ASSERT_TRUE(until([&] { return other_outcome_.has_value(); }));
  EXPECT_EQ(outcome_->kind, Step::Kind::done);
  EXPECT_EQ(other_outcome_->kind, Step::Kind::done);
}

TEST_F(ResultTest, PoolConformance_row_17_a_worker_that_goes_on_so_is_given_up) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  const wire::Run first = run();
  for (int i = 0; i < 3; ++i) worker_.answer(first, nobodys());
  ASSERT_TRUE(got<wire::Run>(2)) << "by another connection";
  ASSERT_EQ(coordinator_.acquires.back().excluded, std::vector<std::string>{"fake"});
  worker_.send_result(run(), 0);
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->trace.attempts.front().outcome, "worker_lost");
}

TEST_F(ResultTest, PoolConformance_row_17_a_task_whose_messages_stay_unreadable_goes_elsewhere) {
  start();
  ASSERT_TRUE(got<wire::Run>());
  const wire::Run first = run();
  auto bad = wire::encode(wire::Accepted{first.attempt});
  bad[1].resize(bad[1].size() - 1);
  for (std::size_t asked = 1; asked <= 2; ++asked) {
    worker_.answer(first, bad);
    ASSERT_TRUE(got<wire::Reclaim>(asked));
  }
  worker_.answer(first, bad);
  ASSERT_TRUE(got<wire::Cancel>());
  ASSERT_TRUE(got<wire::Run>(2));
  ASSERT_EQ(coordinator_.acquires.back().excluded, std::vector<std::string>{"fake"});
  worker_.send_result(run(), 0);
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->trace.attempts.front().outcome, "worker_lost");
}

TEST_F(RemoteUnitTest, an_output_that_cannot_be_written_is_left_to_the_local_compiler) {
  ASSERT_TRUE(std::filesystem::create_directory(object_));
  start();
  ASSERT_TRUE(got<wire::Run>());
  worker_.send_result(run(), 0);
  ASSERT_TRUE(ended());
  EXPECT_EQ(outcome_->kind, Step::Kind::locally);
  EXPECT_EQ(outcome_->reason, "output_not_written");
}

}  // namespace
}  // namespace kiln::client
