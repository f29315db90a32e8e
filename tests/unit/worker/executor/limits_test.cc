// Tasks that are ended, and why is told apart.
#include "tests/unit/worker/executor/scene.h"

namespace kiln::worker {
namespace {

class LimitsTest : public testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(Worker, LimitsTest, testing::Values(As::itself, As::ordinary_user),
                         as_name);

constexpr std::uint64_t kMebibyte = 1024 * 1024;

TEST_P(LimitsTest, time) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("echo began; sleep 1000 & sleep 1000");
    request.limits.wall_ms = 200;
    const auto report = scene.run(request);
    EXPECT_EQ(report.outcome, Outcome::time_limit);
    EXPECT_EQ(out(report), "began\n");
    EXPECT_GE(report.usage.run_us, 200'000U);
    EXPECT_LT(report.usage.run_us, 10'000'000U);
    EXPECT_NE(report.message.find("200 ms"), std::string::npos);
  });
}

TEST_P(LimitsTest, memory_of_all_processes_together) {
  run_as(GetParam(), [] {
    Scene scene;
    // tail keeps a line that does not end; three of them, none above the limit alone.
    const std::string hog = "head -c 40m /dev/zero | tail -c 40m | { sleep 1000; cat; }";
    auto request = scene.shell("(" + hog + ") & (" + hog + ") & (" + hog + ") & wait");
    request.limits.memory_bytes = 80 * kMebibyte;
    const auto report = scene.run(request);
    EXPECT_EQ(report.outcome, Outcome::memory_limit);
    request = scene.shell("head -c 20m /dev/zero | tail -c 20m | { sleep 0.2; cat; } >/dev/null");
    request.limits.memory_bytes = 80 * kMebibyte;
    EXPECT_EQ(scene.run(request).outcome, Outcome::exited);
  });
}

TEST_P(LimitsTest, output_flood_is_quick_and_bounded) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("head -c 1G /dev/zero >&2; sleep 1000");
    request.limits.output_bytes = 3 * kMebibyte + 17;
    const auto report = scene.run(request);
    EXPECT_EQ(report.outcome, Outcome::output_limit);
    EXPECT_EQ(report.standard_error.bytes, 3 * kMebibyte + 17);
    EXPECT_EQ(err(report).size(), 3 * kMebibyte + 17);
    EXPECT_LT(report.usage.run_us, 5'000'000U);
  });
}

TEST_P(LimitsTest, a_tail_is_the_end_of_both_streams_and_nothing_is_too_much) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("head -c 20M /dev/zero; echo out; echo err >&2; echo end; exit 3");
    request.stream_bytes = 100;
    request.tail_bytes = 12;
    const auto report = scene.run(request);
    EXPECT_EQ(report.outcome, Outcome::exited) << report.message;
    EXPECT_EQ(report.exit_code, 3);
    EXPECT_EQ(out(report), "out\nerr\nend\n");
    EXPECT_EQ(err(report), "");
    request.argv.back() = "while :; do echo on; done";
    request.limits.wall_ms = 200;
    EXPECT_EQ(scene.run(request).outcome, Outcome::time_limit);
  });
}

TEST_P(LimitsTest, output_file_of_the_limits_size) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("exec head -c 1G /dev/zero >big");
    request.outputs = {"/build/big"};
    request.limits.output_bytes = kMebibyte;
    EXPECT_EQ(scene.run(request).outcome, Outcome::output_limit);
    request = scene.shell("trap '' XFSZ; head -c 1G /dev/zero >big; exit 0");
    request.outputs = {"/build/big"};
    request.limits.output_bytes = kMebibyte;
    EXPECT_EQ(scene.run(request).outcome, Outcome::output_limit);
  });
}

TEST_P(LimitsTest, within_limits_nothing_happens) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("head -c 1000 /dev/zero; head -c 1000 /dev/zero >small");
    request.outputs = {"/build/small"};
    request.limits = Limits{10'000, 100 * kMebibyte, 1001};
    const auto report = scene.run(request);
    EXPECT_EQ(report.outcome, Outcome::exited) << report.message;
    EXPECT_EQ(out(report).size(), 1000U);
  });
}

TEST_P(LimitsTest, cancel) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.start(scene.shell("trap '' TERM INT HUP; touch began; sleep 1000; sleep 1000"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    scene.host->cancel(scene.executor);
    scene.host->cancel(scene.executor);
    EXPECT_EQ(scene.wait_report().outcome, Outcome::cancelled);
    scene.host->cancel(scene.executor);  // nothing runs: no harm
    EXPECT_EQ(scene.run("exit 3").exit_code, 3);
  });
}

TEST_P(LimitsTest, cancel_before_the_command_is_there) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.start(scene.shell("sleep 1000"));
    scene.host->cancel(scene.executor);
    EXPECT_EQ(scene.wait_report().outcome, Outcome::cancelled);
  });
}

}  // namespace
}  // namespace kiln::worker
