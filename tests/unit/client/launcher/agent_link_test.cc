#include "client/launcher/agent_link.h"

#include <atomic>
#include <filesystem>

#include <gmock/gmock.h>

#include "common/base/files.h"
#include "common/wire/stream.h"
#include "tests/unit/client/launcher/fake_agent.h"
#include "tests/unit/client/launcher/launcher_test.h"

namespace kiln::client {
namespace {

using testing::HasSubstr;
using testing::Not;

class AgentLink : public testing::Test {
 protected:
  AgentLink() {
    options_.socket = directory_ / "agent.sock";
    options_.silence = milliseconds(20);
    options_.pong_timeout = milliseconds(200);
    options_.connect_timeout = milliseconds(200);
  }

  const TemporaryDirectory directory_;
  AgentLinkOptions options_;
};

TEST_F(AgentLink, nobody_there_is_not_found_and_says_the_path) {
  const auto missing = connect_to_agent(options_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr(options_.socket));
}

TEST_F(AgentLink, an_agent_that_gives_no_sign_of_life_counts_as_hung) {
  UniqueFd first;  // kept open: the call's connection stays without an answer
  int connections = 0;
  const FakeAgent agent(
      options_.socket,
      [&](int fd) {
        ++connections;
        if (connections == 1) {
          EXPECT_TRUE(wire::send_message(fd, wire::Pong{}));
          first.reset(::dup(fd));
        }
        // Reads the Ping and waits for the end, without an answer.
        if (connections > 1) {
          EXPECT_FALSE(wire::receive_message(fd) && wire::receive_message(fd));
        }
      },
      false);
  const auto fd = connect_to_agent(options_);
  ASSERT_TRUE(fd);
  const auto answer = ask_agent(fd->get(), wire::Call{}, options_);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::timed_out);
}

TEST_F(AgentLink, one_that_does_not_greet_is_noted_and_waited_for_a_moment_only) {
  std::vector<UniqueFd> held;
  options_.greeting = seconds(1);
  {
    const FakeAgent hung(
        options_.socket, [&](int fd) { held.emplace_back(::dup(fd)); }, false);
    const auto ask = [&] {
      const TimePoint begin = Clock::now();
      const auto fd = connect_to_agent(options_);
      EXPECT_TRUE(fd);
      EXPECT_EQ(ask_agent(fd->get(), wire::Call{}, options_).error().code, Errc::timed_out);
      return Clock::now() - begin;
    };
    EXPECT_GE(ask(), seconds(1));
    EXPECT_LT(ask(), seconds(1)) << "the first one has noted it";
    const std::filesystem::path note = options_.socket + ".lock";
    std::filesystem::last_write_time(
        note, std::filesystem::last_write_time(note) - std::chrono::minutes(1));
    EXPECT_GE(ask(), seconds(1)) << "an old note says nothing";
    EXPECT_LT(ask(), seconds(1));
  }
  std::filesystem::remove(options_.socket);
  const FakeAgent well(options_.socket, FakeAgent::answering(wire::CallDone{5, 0}));
  const auto fd = connect_to_agent(options_);
  ASSERT_TRUE(fd);
  const auto answer = ask_agent(fd->get(), wire::Call{}, options_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<wire::CallDone>(answer->message).exit_code, 5);
  EXPECT_EQ(std::filesystem::file_size(options_.socket + ".lock"), 0U)
      << "who is greeted clears it";
}

TEST_F(AgentLink, without_fallback_an_agent_may_take_longer_to_greet) {
  options_.greeting = milliseconds(10);
  options_.insists = true;
  UniqueFd call;
  const FakeAgent agent(
      options_.socket,
      [&](int fd) {
        const auto request = wire::receive_message(fd);
        ASSERT_TRUE(request);
        if (std::holds_alternative<wire::Call>(request->message)) {
          call.reset(::dup(fd));
          return;
        }
        EXPECT_TRUE(wire::send_message(fd, wire::Pong{1}));
        EXPECT_TRUE(wire::send_message(call.get(), wire::Pong{}));
        EXPECT_TRUE(wire::send_message(call.get(), wire::CallDone{6, 0}));
      },
      false);
  const auto fd = connect_to_agent(options_);
  ASSERT_TRUE(fd);
  const auto answer = ask_agent(fd->get(), wire::Call{}, options_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<wire::CallDone>(answer->message).exit_code, 6);
}

TEST_F(AgentLink, one_that_answers_pings_may_take_its_time) {
  UniqueFd call;
  int pings = 0;
  const FakeAgent agent(
      options_.socket,
      [&](int fd) {
        const auto request = wire::receive_message(fd);
        ASSERT_TRUE(request);
        if (std::holds_alternative<wire::Call>(request->message)) {
          EXPECT_TRUE(wire::send_message(fd, wire::Pong{}));
          call.reset(::dup(fd));
          return;
        }
        EXPECT_TRUE(wire::send_message(fd, wire::Pong{1}));
        if (++pings < 3) return;
        EXPECT_TRUE(wire::send_message(call.get(), wire::CallDone{4, 0}));
      },
      false);
  const auto fd = connect_to_agent(options_);
  ASSERT_TRUE(fd);
  const auto answer = ask_agent(fd->get(), wire::Call{}, options_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<wire::CallDone>(answer->message).exit_code, 4);
}

class AgentStart : public LauncherTest {
 protected:
  AgentStart() {
    set("KILN_AGENT", FAKE_AGENT_PROGRAM);
    set("KILN_LOG_FILE", directory_ / "starts");
  }
  ~AgentStart() override { kiln({"agent", "stop"}); }

  std::string starts() { return read_file(directory_ / "starts").value_or(""); }
  long start_count() {
    const std::string text = starts();
    return std::count(text.begin(), text.end(), '\n');
  }
};

TEST_F(AgentStart, a_hundred_launchers_at_once_start_one) {
  const auto output =
      shell("i=0; while [ $i -lt 100 ]; do i=$((i+1)); \"$KILN\" gcc -c a.c & done; wait");
  EXPECT_EQ(start_count(), 1);
  EXPECT_EQ(std::count(output.stdout_text.begin(), output.stdout_text.end(), '\n'), 100);
  EXPECT_THAT(output.stdout_text, Not(HasSubstr("local")));
}

TEST_F(AgentStart, it_starts_clean) {
  set("LD_PRELOAD", "libm.so.6");
  set("MAKEFLAGS", "--jobserver-auth=8,9");
  set("KILN_FALLBACK", "1");
  set("KILN_BUILD", "one");
  set("LANG", "C");
  set("HOME", "/h");
  const auto output = shell("trap '' INT; umask 0; exec 8<. 9<.; \"$KILN\" gcc -c a.c");
  EXPECT_EQ(output.stdout_text, "remote\n");
  const std::string start = starts();
  EXPECT_THAT(start, HasSubstr(" fds=0,1,2,3 "));
  EXPECT_THAT(start, HasSubstr(" cwd=/ "));
  EXPECT_THAT(start, HasSubstr(" detached=yes "));
  EXPECT_THAT(start, HasSubstr(" umask=63 "));  // 077
  EXPECT_THAT(start, HasSubstr(" signals=0 0 "));
  EXPECT_THAT(start, HasSubstr("HOME,"));
  for (const char* name :
       {"LD_PRELOAD", "MAKEFLAGS", "KILN_FALLBACK", "KILN_BUILD", "LANG", "KILN_AGENT", "PWD"}) {
    EXPECT_THAT(start, Not(HasSubstr(std::string(name) + ","))) << name;
  }
}

TEST_F(AgentStart, a_dead_socket_is_replaced) {
  {
    const FakeAgent dead(socket_, [](int) {});
  }
  EXPECT_EQ(kiln({"gcc", "-c", "a.c"}).stdout_text, "remote\n");
}

TEST_F(AgentStart, one_that_cannot_start_is_not_tried_by_every_call) {
  set("KILN_CONFIG", "broken");
  EXPECT_EQ(kiln({"gcc", "-c", "a.c"}).exit_code, 3);
  EXPECT_EQ(kiln({"gcc", "-c", "a.c"}).exit_code, 3);
  EXPECT_EQ(start_count(), 1);
  // Once the note is old, the next call tries again.
  const std::filesystem::path note = socket_ + ".lock";
  std::filesystem::last_write_time(
      note, std::filesystem::last_write_time(note) - std::chrono::minutes(1));
  EXPECT_EQ(kiln({"gcc", "-c", "a.c"}).exit_code, 3);
  EXPECT_EQ(start_count(), 2);
}

TEST_F(AgentStart, what_keeps_it_from_starting_is_told_where_kiln_speaks) {
  set("KILN_CONFIG", "refuses");
  const auto compile = kiln({"gcc", "-c", "a.c"});
  EXPECT_EQ(compile.exit_code, 3);
  EXPECT_EQ(compile.stderr_text, "") << "a compiler's stderr is its own";
  set("KILN_FALLBACK", "0");
  const auto strict = kiln({"gcc", "-c", "a.c"});
  EXPECT_EQ(strict.exit_code, 1);
  EXPECT_THAT(strict.stderr_text, HasSubstr("KILN_X is wrong"));
  EXPECT_THAT(strict.stderr_text, HasSubstr("tried a moment ago"));
  EXPECT_EQ(start_count(), 1);
  EXPECT_THAT(kiln({"status"}).stderr_text, HasSubstr("KILN_X is wrong"));
  const auto doctor = kiln({"doctor", "--json"});
  EXPECT_EQ(doctor.exit_code, 1);
  EXPECT_THAT(doctor.stdout_text, HasSubstr("KILN_X is wrong"));
  // People's commands try again at once: what was wrong may be mended.
  EXPECT_EQ(start_count(), 3);
  set("KILN_CONFIG", "");
  EXPECT_EQ(kiln({"-j"}).stdout_text, "7\n");
}

TEST_F(AgentStart, one_that_does_not_come_up_in_time_is_killed_and_not_tried_again) {
  AgentLinkOptions options;
  options.socket = socket_;
  options.agent = FAKE_AGENT_PROGRAM;
  options.environment = {{"KILN_CONFIG", "hangs"}, {"KILN_LOG_FILE", directory_ / "starts"}};
  options.start_timeout = seconds(2);
  const auto late = connect_to_agent(options);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timed_out);
  const std::string pid = starts().substr(4, starts().find(' ') - 4);
  const TimePoint deadline = Clock::now() + seconds(10);
  while (std::filesystem::exists("/proc/" + pid + "/exe") && Clock::now() < deadline) {
  }
  EXPECT_FALSE(std::filesystem::exists("/proc/" + pid + "/exe"));
  const auto again = connect_to_agent(options);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::unavailable);
  EXPECT_EQ(start_count(), 1);
}

TEST_F(AgentStart, stop_waits_for_its_end_and_says_when_there_is_none) {
  EXPECT_EQ(kiln({"gcc", "-c", "a.c"}).stdout_text, "remote\n");
  const std::string start = starts();
  const std::string pid = start.substr(4, start.find(' ') - 4);
  EXPECT_TRUE(std::filesystem::exists("/proc/" + pid));
  const auto stopped = kiln({"agent", "stop"});
  EXPECT_EQ(stopped.stdout_text, "the agent has stopped\n");
  EXPECT_FALSE(std::filesystem::exists("/proc/" + pid + "/exe"));
  const auto again = kiln({"agent", "stop"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.stdout_text, "no agent is running\n");
  EXPECT_EQ(start_count(), 1);
}

TEST_F(AgentStart, a_command_starts_it_too) {
  EXPECT_EQ(kiln({"-j"}).stdout_text, "7\n");
  EXPECT_EQ(kiln({"-j", "--json"}).stdout_text, "{\"jobs\":7}\n");
  EXPECT_EQ(start_count(), 1);
}

}  // namespace
}  // namespace kiln::client
