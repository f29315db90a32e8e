#include "common/base/child_process.h"

#include <csignal>

#include <gtest/gtest.h>

namespace kiln {
namespace {

CommandSpec shell(const std::string& script) {
  CommandSpec spec;
  spec.program = "/bin/sh";
  spec.argv = {"sh", "-c", script};
  spec.environment = {{"PATH", "/usr/bin:/bin"}, {"WORD", "kiln"}};
  spec.deadline = seconds(20);
  return spec;
}

TEST(RunCommand, captures_output_exit_code_and_environment) {
  CommandSpec spec = shell("pwd; echo $WORD; echo wrong >&2; cat; exit 3");
  spec.cwd = "/usr";
  const auto output = run_command(spec);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->stdout_text, "/usr\nkiln\n");
  EXPECT_EQ(output->stderr_text, "wrong\n");
  EXPECT_EQ(output->exit_code, 3);
  EXPECT_EQ(output->signal, 0);
  EXPECT_FALSE(output->succeeded());
}

TEST(RunCommand, takes_more_output_than_a_pipe_holds) {
  const auto output =
      run_command(shell("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2"));
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_TRUE(output->succeeded());
  EXPECT_EQ(output->stdout_text.size(), 1'000'000U);
  EXPECT_EQ(output->stderr_text.size(), 1'000'000U);
}

TEST(RunCommand, reports_the_signal) {
  const auto output = run_command(shell("kill -TERM $$"));
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->signal, SIGTERM);
}

TEST(RunCommand, kills_the_whole_group_at_the_deadline) {
  CommandSpec spec = shell("echo started; sleep 600 & sleep 600");
  spec.deadline = milliseconds(200);
  const auto output = run_command(spec);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_TRUE(output->timed_out);
  EXPECT_EQ(output->signal, SIGKILL);
  EXPECT_EQ(output->stdout_text, "started\n");
}

TEST(RunCommand, does_not_wait_for_what_the_command_leaves_behind) {
  const auto output = run_command(shell("sleep 600 & echo $!"));
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_TRUE(output->succeeded());
  EXPECT_FALSE(output->stdout_text.empty());
}

TEST(RunCommand, bounds_the_output) {
  CommandSpec spec = shell("cat /dev/zero");
  spec.output_limit_bytes = 1000;
  const auto output = run_command(spec);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, Errc::resource_exhausted);
}

TEST(RunCommand, names_a_program_that_is_not_there) {
  CommandSpec spec;
  spec.program = "/nonexistent/cc";
  const auto output = run_command(spec);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, Errc::not_found);
  EXPECT_NE(output.error().message.find("/nonexistent/cc"), std::string::npos);
}

TEST(RunCommand, starts_with_open_signals_and_closed_descriptors) {
  sigset_t blocked;
  sigset_t before;
  sigfillset(&blocked);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto output = run_command(shell("grep SigBlk /proc/self/status; ls /proc/self/fd | wc -l"));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->stdout_text, "SigBlk:\t0000000000000000\n4\n");
}

}  // namespace
}  // namespace kiln
