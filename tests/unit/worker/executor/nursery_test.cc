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
    const auto host = ExecutorHost::start(options);
    ASSERT_FALSE(host);
    EXPECT_NE(host.error().message.find("/bin/true exited with 0"), std::string::npos)
        << host.error().message;
  });
}

// Its exit status, when started with these arguments and, as its channel, with `channel`.
int run_nursery_program(const char* argument, int channel) {
  const auto program = *installed_nursery();
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

TEST(Nursery, of_another_build_refuses_its_worker) {
  run_as(As::itself, [] {
    auto pair = Channel::make_pair();
    ASSERT_TRUE(pair);
    EXPECT_EQ(run_nursery_program("0.1.0+1", pair->second.fd()), 1);
    const auto said = pair->first.receive();
    ASSERT_TRUE(said && *said);
    ASSERT_EQ((*said)->kind, MessageKind::broken);
    const auto broken = unpack<BrokenMessage>((*said)->body);
    ASSERT_TRUE(broken);
    EXPECT_EQ(broken->code, Errc::version_mismatch);
    EXPECT_NE(broken->reason.find("0.1.0+1;"), std::string::npos);
  });
}

TEST(Nursery, started_by_hand_says_what_it_is_a_part_of) {
  run_as(As::itself, [] {
    EXPECT_EQ(run_nursery_program(nullptr, -1), 2);
    EXPECT_EQ(run_nursery_program("--version", -1), 0);
    EXPECT_EQ(run_nursery_program("--version", 2), 0);  // below make it is somebody's descriptor
    EXPECT_EQ(run_nursery_program("0.1.0+1", 2), 2);
  });
}

}  // namespace
}  // namespace kiln::worker
