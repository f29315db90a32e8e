// A local run is the compiler itself: its terminal, stdin, status, signals; no loops through links.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <pty.h>
#include <spawn.h>
#include <sys/wait.h>

#include "common/base/files.h"
#include "common/wire/stream.h"
#include "tests/unit/client/launcher/fake_agent.h"
#include "tests/unit/client/launcher/launcher_test.h"

namespace kiln::client {
namespace {

using testing::HasSubstr;

class InPlace : public LauncherTest {
 protected:
  InPlace() { set("KILN_MODE", "local"); }
};

TEST_F(InPlace, stdin_and_descriptors_reach_the_compiler) {
  directory_.script("bin/gcc", "cat; cat <&5");
  const auto output = shell("echo five > 5; echo in | \"$KILN\" gcc 5<5");
  EXPECT_EQ(output.stdout_text, "in\nfive\n");
}

TEST_F(InPlace, the_process_stays_the_same) {
  directory_.script("bin/gcc", "echo $$");
  const auto output = shell("sh -c 'echo $$; exec \"$KILN\" gcc' | uniq | wc -l");
  EXPECT_THAT(output.stdout_text, HasSubstr("1"));
}

TEST_F(InPlace, a_signal_that_kills_the_compiler_shows) {
  directory_.script("bin/gcc", "kill -TERM $$");
  EXPECT_EQ(kiln({"gcc"}).signal, SIGTERM);
}

TEST_F(InPlace, a_closed_stdout_stays_closed) {
  directory_.script("bin/gcc", "test -e /proc/$$/fd/1 || echo closed >&2");
  const auto output = shell("\"$KILN\" gcc >&-");
  EXPECT_THAT(output.stderr_text, HasSubstr("closed"));
}

TEST_F(InPlace, a_terminal_stays_one) {
  directory_.script("bin/gcc", "test -t 0 && test -t 1 && test -t 2 && echo terminal");
  int master = -1;
  const pid_t child = ::forkpty(&master, nullptr, nullptr, nullptr);
  if (child == 0) {
    for (const auto& [name, value] : environment_) ::setenv(name.c_str(), value.c_str(), 1);
    ::execl(KILN_PROGRAM, "kiln", "gcc", nullptr);
    ::_exit(1);
  }
  const UniqueFd terminal(master);
  std::array<char, 100> buffer{};
  EXPECT_GT(::read(master, buffer.data(), buffer.size() - 1), 0);
  EXPECT_THAT(buffer.data(), HasSubstr("terminal"));
  ::waitpid(child, nullptr, 0);
}

TEST_F(InPlace, a_link_named_after_a_compiler_calls_the_next_one_on_path) {
  std::filesystem::create_directory(directory_ / "links");
  std::filesystem::create_symlink(KILN_PROGRAM, directory_ / "links/gcc");
  set("PATH", directory_ / "links" + ":" + directory_ / "bin" + ":/usr/bin:/bin");
  const std::string expected = "local " + directory_ / "bin/gcc" + " -c a.c\n";
  EXPECT_EQ(run(directory_ / "links/gcc", {"gcc", "-c", "a.c"}).stdout_text, expected);
  EXPECT_EQ(shell("links/gcc -c a.c").stdout_text, expected);
  EXPECT_EQ(kiln({"gcc", "-c", "a.c"}).stdout_text, expected);
  set("KILN_DISABLE", "1");
  EXPECT_EQ(shell("gcc -c a.c").stdout_text, expected);
}

TEST_F(InPlace, row_6_inside_a_task_there_is_no_agent_and_no_pool) {
  directory_.script("bin/gcc", "echo compiled here");
  set("KILN_EXECUTOR", "1");
  set("KILN_FALLBACK", "0");
  EXPECT_EQ(kiln({"gcc", "-c", "a.c"}).stdout_text, "compiled here\n");
  EXPECT_EQ(kiln({"run", "--", "gcc"}).stdout_text, "compiled here\n");
  const auto refused = kiln({"pool", "create", "cc"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.stderr_text.find("KILN_EXECUTOR"), std::string::npos);
}

TEST_F(InPlace, a_nested_call_takes_no_second_slot) {
  directory_.script("bin/g++", "ls -l /proc/$$/fd | grep -c slot.");
  directory_.script("bin/gcc", "\"$KILN\" g++");
  const auto output = shell("\"$KILN\" gcc");
  EXPECT_EQ(output.stdout_text, "1\n");  // the inherited one
}

TEST_F(InPlace, a_program_that_is_no_compiler_takes_no_slot_from_its_children) {
  directory_.script("bin/build", "echo held=$KILN_HELD_SLOT");
  EXPECT_EQ(kiln({"build"}).stdout_text, "held=\n");
}

TEST_F(InPlace, a_program_that_cannot_be_executed_is_126) {
  // An executable file of no format that the kernel knows.
  ASSERT_TRUE(write_file_atomically(directory_ / "bin/gcc", std::string("\0\1\2", 3), 0755));
  const auto output = kiln({"gcc"});
  EXPECT_EQ(output.exit_code, 126);
  EXPECT_THAT(output.stderr_text, HasSubstr("bin/gcc"));
}

TEST_F(InPlace, a_program_whose_interpreter_is_missing_is_127) {
  ASSERT_TRUE(write_file_atomically(directory_ / "bin/gcc", "#!/nonexistent/interpreter\n", 0755));
  const auto output = kiln({"gcc"});
  EXPECT_EQ(output.exit_code, 127);
  EXPECT_THAT(output.stderr_text, HasSubstr("bin/gcc"));
}

class Interrupted : public LauncherTest {};

TEST_F(Interrupted, the_launcher_dies_by_the_signal_and_the_agent_sees_the_end) {
  std::promise<void> called;
  std::promise<bool> ended;
  const FakeAgent agent(socket_, [&](int fd) {
    EXPECT_TRUE(wire::receive_message(fd));
    called.set_value();
    char byte = 0;
    // The end, or a reset where the launcher had not read the greeting yet.
    ended.set_value(::read(fd, &byte, 1) <= 0);
  });
  const pid_t child = ::fork();
  if (child == 0) {
    for (const auto& [name, value] : environment_) ::setenv(name.c_str(), value.c_str(), 1);
    ::execl(KILN_PROGRAM, "kiln", "gcc", "-c", "a.c", nullptr);
    ::_exit(1);
  }
  ASSERT_EQ(called.get_future().wait_for(seconds(20)), std::future_status::ready);
  ::kill(child, SIGTERM);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  EXPECT_TRUE(ended.get_future().get());
}

TEST_F(Interrupted, a_closed_pipe_kills_as_it_kills_a_compiler) {
  const FakeAgent agent(socket_,
                        FakeAgent::answering(wire::CallDone{}, {std::string(1 << 20, 'x'), ""}));
  const auto output = shell("(\"$KILN\" gcc -c a.c; echo $? >&2) | true");
  EXPECT_EQ(output.stderr_text, "141\n");  // 128 + SIGPIPE
}

TEST_F(Interrupted, what_the_launcher_says_about_terminals_is_true) {
  std::vector<wire::Message> seen;
  const FakeAgent agent(socket_, FakeAgent::answering(wire::CallDone{}, {}, &seen));
  int master = -1;
  const pid_t child = ::forkpty(&master, nullptr, nullptr, nullptr);
  if (child == 0) {
    for (const auto& [name, value] : environment_) ::setenv(name.c_str(), value.c_str(), 1);
    ::execl("/bin/sh", "sh", "-c", "\"$0\" gcc -c a.c > /dev/null", KILN_PROGRAM, nullptr);
    ::_exit(1);
  }
  const UniqueFd terminal(master);
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(std::get<wire::Call>(seen[0]).stderr_is_terminal);
  EXPECT_FALSE(std::get<wire::Call>(seen[0]).stdout_is_terminal);
}

}  // namespace
}  // namespace kiln::client
