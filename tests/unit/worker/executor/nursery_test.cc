#include "worker/executor/nursery.h"

#include <array>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/worker/executor/scene.h"
#include "worker/executor/nursery_start.h"

namespace kiln::worker {
namespace {

TEST(Nursery, that_is_missing_is_named) {
  run_as(As::itself, [] {
    const TestDirectory directory;
    HostOptions options;
    options.scratch = directory.path() / "scratch";
    options.nursery = directory.path() / "kiln-nursery";
    const auto host = ExecutorHost::start(options);
    ASSERT_FALSE(host);
    EXPECT_EQ(host.error().code, Errc::not_found);
    EXPECT_NE(host.error().message.find(options.nursery.string()), std::string::npos);
  });
}

TEST(Nursery, that_is_another_program_is_an_error) {
  run_as(As::itself, [] {
    const TestDirectory directory;
    HostOptions options;
    options.scratch = directory.path() / "scratch";
    options.nursery = "/bin/true";
    EXPECT_FALSE(ExecutorHost::start(options));
  });
}

// Its exit status, when started with these arguments and, as its channel, with `channel`.
int run_nursery_program(const char* argument, int channel) {
  const auto program = installed_nursery();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(kNurseryChannel);
    if (channel >= 0) ::dup2(channel, kNurseryChannel);
    ::execl(program.c_str(), "kiln-nursery", argument, nullptr);
    ::_exit(126);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Nursery, of_another_version_refuses_its_worker) {
  run_as(As::itself, [] {
    auto pair = Channel::make_pair();
    ASSERT_TRUE(pair);
    EXPECT_EQ(run_nursery_program("0.0.0-other", pair->second.fd()), 1);
    const auto said = pair->first.receive();
    ASSERT_TRUE(said && *said);
    ASSERT_EQ((*said)->kind, MessageKind::broken);
    const auto broken = unpack<BrokenMessage>((*said)->body);
    ASSERT_TRUE(broken);
    EXPECT_EQ(broken->code, Errc::version_mismatch);
    EXPECT_NE(broken->reason.find("0.0.0-other"), std::string::npos);
  });
}

TEST(Nursery, started_by_hand_says_what_it_is_a_part_of) {
  run_as(As::itself, [] {
    EXPECT_EQ(run_nursery_program(nullptr, -1), 2);
    EXPECT_EQ(run_nursery_program("--version", -1), 0);
  });
}

}  // namespace
}  // namespace kiln::worker
