// What the launcher does with each answer of an agent, and without one.
#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>

#include "client/paths/root_view.h"
#include "common/wire/stream.h"
#include "tests/unit/client/launcher/fake_agent.h"
#include "tests/unit/client/launcher/launcher_test.h"

namespace kiln::client {
namespace {

using testing::HasSubstr;

class Answers : public LauncherTest {};

TEST_F(Answers, a_remote_call_gives_its_output_and_exit_code) {
  std::vector<wire::Message> seen;
  wire::CallDone done;
  done.exit_code = 5;
  const FakeAgent agent(socket_, FakeAgent::answering(done, {"out\n", "err\n"}, &seen));
  const auto output = kiln({"gcc", "-c", "a b.c"});
  EXPECT_EQ(output.exit_code, 5);
  EXPECT_EQ(output.stdout_text, "out\n");
  EXPECT_EQ(output.stderr_text, "err\n");
  ASSERT_EQ(seen.size(), 1U);
  const auto& call = std::get<wire::Call>(seen[0]);
  EXPECT_THAT(call.argv, testing::ElementsAre("gcc", "-c", "a b.c"));
  EXPECT_EQ(call.program, directory_ / "bin/gcc");
  EXPECT_EQ(call.cwd, std::filesystem::canonical(directory_.path()));
  EXPECT_EQ(call.environment, environment_);
  EXPECT_EQ(call.kind, "compile");
  EXPECT_FALSE(call.stderr_is_terminal);
  EXPECT_EQ((RootView{call.root_device, call.root_inode, call.mount_namespace}), own_root_view());
}

TEST_F(Answers, megabytes_of_output_arrive_whole) {
  const std::string much(20 << 20, 'x');
  const FakeAgent agent(socket_, FakeAgent::answering(wire::CallDone{}, {"", much}));
  const auto output = kiln({"gcc", "-c", "a.c"});
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_TRUE(output.stderr_text == much);
}

TEST_F(Answers, a_remote_death_by_signal_is_one_here) {
  wire::CallDone done;
  done.signal = SIGSEGV;
  const FakeAgent agent(socket_, FakeAgent::answering(done));
  EXPECT_EQ(kiln({"gcc", "-c", "a.c"}).signal, SIGSEGV);
}

TEST_F(Answers, a_call_sent_back_runs_here_with_a_slot) {
  directory_.script("other/gcc", "echo chosen $KILN_HELD_SLOT; ls -l /proc/$$/fd");
  wire::CallLocally locally;
  locally.program = directory_ / "other/gcc";
  const FakeAgent agent(socket_, FakeAgent::answering(locally));
  const auto output = kiln({"gcc", "-E", "a.c"});
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_THAT(output.stdout_text, HasSubstr("chosen 1\n"));
  EXPECT_THAT(output.stdout_text, HasSubstr("slots/slot.0"));
  EXPECT_THAT(output.stdout_text, testing::Not(HasSubstr("socket:")));
}

TEST_F(Answers, or_without_a_slot_when_it_needs_none) {
  directory_.script("bin/gcc", "echo held=$KILN_HELD_SLOT; ls -l /proc/$$/fd");
  wire::CallLocally locally;
  locally.wants_slot = false;
  const FakeAgent agent(socket_, FakeAgent::answering(locally));
  const auto output = kiln({"gcc", "--version"});
  EXPECT_THAT(output.stdout_text, HasSubstr("held=\n"));
  EXPECT_THAT(output.stdout_text, testing::Not(HasSubstr("slots/")));
}

TEST_F(Answers, a_failed_call_says_why_in_one_line) {
  const FakeAgent agent(socket_, FakeAgent::answering(wire::CallFailed{"no node is left"}));
  const auto output = kiln({"gcc", "-c", "a.c"});
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_EQ(output.stderr_text, "kiln: no node is left\n");
  EXPECT_EQ(output.stdout_text, "");
}

class RunsLocally : public LauncherTest {
 protected:
  void expect_local(const CommandOutput& output) {
    EXPECT_EQ(output.exit_code, 3);
    EXPECT_EQ(output.stdout_text, "local " + directory_ / "bin/gcc" + " -c a.c\n");
    EXPECT_EQ(output.stderr_text, "");
  }
};

TEST_F(RunsLocally, when_the_agent_dies_during_the_call) {
  const FakeAgent agent(socket_, [](int fd) { EXPECT_TRUE(wire::receive_message(fd)); });
  expect_local(kiln({"gcc", "-c", "a.c"}));
}

TEST_F(RunsLocally, when_the_agent_closes_before_it_has_read_the_call) {
  set("BIG", std::string(100000, 'x'));
  const FakeAgent agent(socket_, [](int) {});
  expect_local(kiln({"gcc", "-c", "a.c"}));
}

TEST_F(RunsLocally, when_the_agent_refuses_its_version) {
  const FakeAgent agent(
      socket_, FakeAgent::answering(wire::Refused{0, "version_mismatch", "I am of version 9"}));
  expect_local(kiln({"gcc", "-c", "a.c"}));
}

TEST_F(RunsLocally, when_the_answer_is_no_message) {
  const FakeAgent agent(socket_, [](int fd) {
    EXPECT_TRUE(wire::receive_message(fd));
    EXPECT_EQ(::write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28), 28);
  });
  expect_local(kiln({"gcc", "-c", "a.c"}));
}

TEST_F(RunsLocally, when_the_agent_cannot_be_started) {
  expect_local(kiln({"gcc", "-c", "a.c"}));
  expect_local(kiln({"gcc", "-c", "a.c"}));
}

TEST_F(RunsLocally, when_the_sockets_place_cannot_be_used) {
  set("KILN_SOCKET", "relative.sock");
  expect_local(kiln({"gcc", "-c", "a.c"}));
  set("KILN_SOCKET", directory_ / "missing/agent.sock");
  expect_local(kiln({"gcc", "-c", "a.c"}));
}

TEST_F(RunsLocally, when_it_is_told_to) {
  set("KILN_MODE", "local");
  expect_local(kiln({"gcc", "-c", "a.c"}));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "slots/slot.0"));
  EXPECT_FALSE(std::filesystem::exists(socket_ + ".lock"));
}

TEST_F(RunsLocally, and_does_nothing_else_when_disabled) {
  set("KILN_DISABLE", "1");
  expect_local(kiln({"gcc", "-c", "a.c"}));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "slots"));
  EXPECT_FALSE(std::filesystem::exists(socket_ + ".lock"));
}

TEST_F(Answers, without_an_agent_and_without_fallback_a_compile_fails_but_a_link_runs) {
  set("KILN_FALLBACK", "0");
  const auto compile = kiln({"gcc", "-c", "a.c"});
  EXPECT_EQ(compile.exit_code, 1);
  EXPECT_THAT(compile.stderr_text, HasSubstr("KILN_FALLBACK=0"));
  EXPECT_EQ(compile.stdout_text, "");
  EXPECT_EQ(kiln({"gcc", "a.o"}).exit_code, 3);
  set("KILN_FALLBACK", "No");
  EXPECT_EQ(kiln({"gcc", "-S", "a.c"}).exit_code, 1);
  set("KILN_FALLBACK", "yes");
  EXPECT_EQ(kiln({"gcc", "-S", "a.c"}).exit_code, 3);
}

TEST_F(Answers, an_unknown_word_is_named_with_the_nearest_command) {
  const auto output = kiln({"statsu"});
  EXPECT_EQ(output.exit_code, 127);
  EXPECT_THAT(output.stderr_text, HasSubstr("statsu"));
  EXPECT_THAT(output.stderr_text, HasSubstr("kiln stats"));
}

}  // namespace
}  // namespace kiln::client
