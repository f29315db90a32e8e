#include "client/cli/render.h"

#include <cstdlib>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/table.h"

namespace kiln::client {
namespace {

std::string text_of(const std::string& name, const std::string& answer,
                    RenderOptions options = {}) {
  const auto rendered = render(name, answer, options);
  EXPECT_TRUE(rendered);
  std::istringstream lines(rendered->text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t width = options.colour ? 0 : display_width(line);
    EXPECT_LE(width, options.width) << line;
  }
  return rendered->text;
}

constexpr const char* kStatus = R"({
  "version": "0.1.0",
  "agent": {"pid": 4711, "uptime_s": 185, "socket": "/run/user/1000/kiln/agent.sock",
            "mode": "files", "calls_active": 1},
  "coordinators": [
    {"endpoint": "tcp://10.0.0.1:10650", "state": "connected", "reason": "", "version": "0.1.0"},
    {"endpoint": "tcp://10.0.0.2:10650", "state": "refused",
     "reason": "it speaks protocol version 2 and this agent speaks 1; update the older one"}],
  "farm": {"nodes": 2, "ready_nodes": 1, "slots": 8, "busy": 3, "queued": 0},
  "remote_possible": true, "reason": ""})";

TEST(Render, status) {
  EXPECT_EQ(text_of("status", kStatus),
            "agent        pid 4711, up 3 min 5 s, 1 active call\n"
            "version      0.1.0\n"
            "mode         files\n"
            "socket       /run/user/1000/kiln/agent.sock\n"
            "coordinator  tcp://10.0.0.1:10650 connected, version 0.1.0\n"
            "coordinator  tcp://10.0.0.2:10650 refused: it speaks protocol version 2 and this\n"
            "             agent speaks 1; update the older one\n"
            "farm         2 nodes (1 ready), 8 slots, 3 busy, 0 queued\n"
            "remote       yes\n");
}

TEST(Render, status_without_a_farm_says_why) {
  EXPECT_EQ(text_of("status", R"({"farm": null, "remote_possible": false,
                                  "reason": "no coordinator is configured"})"),
            "agent        pid -, up 0 ms, 0 active calls\n"
            "version      -\n"
            "mode         -\n"
            "socket       -\n"
            "coordinator  none\n"
            "farm         unknown\n"
            "remote       no: no coordinator is configured\n");
}

TEST(Render, colours_are_only_for_terminals) {
  RenderOptions options;
  options.colour = true;
  EXPECT_THAT(text_of("status", kStatus, options), testing::HasSubstr("\x1b[32myes\x1b[0m"));
}

TEST(Render, nodes_fit_by_cutting_names_and_addresses) {
  EXPECT_EQ(text_of("nodes", R"({"nodes": [
      {"name": "w1", "state": "ready", "slots": 4, "running": 2, "queued": 1, "load": 1.5,
       "memory_available_bytes": 3221225472, "completed": 120, "failed": 0,
       "address": "tcp://10.77.0.2:10652"},
      {"name": "a-node-with-a-very-long-name.example.org", "state": "draining", "slots": 128,
       "running": 128, "queued": 64, "load": 130, "memory_available_bytes": 512,
       "completed": 123456, "failed": 17, "address": "tcp://[2001:db8::17]:10652"}]})"),
            "NAME      STATE     SLOTS  RUN  QUEUED  LOAD  FREE MEM    DONE  FAILED  ADDRESS\n"
            "w1        ready         4    2       1  1.50   3.0 GiB     120       0  10.77.0…\n"
            "a-node-…  draining    128  128      64   130     512 B  123456      17  [2001:d…\n");
  EXPECT_EQ(text_of("nodes", "{}"), "no nodes\n");
}

TEST(Render, wide_terminals_show_how_fast_nodes_are) {
  RenderOptions options;
  options.width = 100;
  EXPECT_EQ(text_of("nodes", R"({"nodes": [
      {"name": "w1", "state": "ready", "slots": 4, "running": 2, "queued": 1, "load": 1.5,
       "core_speed": 0.931, "memory_available_bytes": 3221225472, "completed": 120, "failed": 0,
       "address": "tcp://10.77.0.2:10652"},
      {"name": "w2", "state": "ready", "slots": 4, "running": 0, "queued": 0, "load": 0.5,
       "core_speed": 0, "memory_available_bytes": 512, "completed": 1, "failed": 0,
       "address": "tcp://10.77.0.3:10652"}]})",
                    options),
            "NAME  STATE  SLOTS  RUN  QUEUED  LOAD  SPEED  FREE MEM  DONE  FAILED  ADDRESS\n"
            "w1    ready      4    2       1  1.50   0.93   3.0 GiB   120       0  "
            "10.77.0.2:10652\n"
            "w2    ready      4    0       0  0.50      -     512 B     1       0  "
            "10.77.0.3:10652\n");
}

TEST(Render, nodes_with_their_labels_which_selectors_go_by) {
  const auto text = text_of("nodes", R"({"nodes": [
      {"name": "w1", "labels": {"zone": "a", "gpu": ""}},
      {"name": "w2", "labels": {}},
      {"name": "w3", "labels": {"zone": "b", "rack": "r-with-a-very-long-name-of-its-own-17",
                                "owner": "the-team-that-builds-it"}}]})");
  EXPECT_THAT(text, testing::HasSubstr("labels\n"
                                       "  w1: gpu, zone=a\n"
                                       "  w3: owner=the-team-that-builds-it,\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("w2:")));
}

TEST(Render, tasks) {
  EXPECT_EQ(text_of("tasks", R"({"tasks": [
      {"node": "w1", "label": "src/lapi.c", "phase": "running", "phase_ms": 1234, "attempt": 1},
      {"node": "w2", "label": "src/lcode.c", "phase": "queued", "phase_ms": 7, "attempt": 2}]})"),
            "NODE  PHASE      FOR  TASK\n"
            "w1    running  1.2 s  src/lapi.c\n"
            "w2    queued    7 ms  src/lcode.c\n");
  EXPECT_EQ(text_of("tasks", R"({"tasks": []})"), "no tasks\n");
}

TEST(Render, stats) {
  EXPECT_EQ(text_of("stats", R"({"remote": {"total": 33, "reasons": {}},
      "local": {"total": 3, "reasons": {"link": 1, "not_a_compile": 2}},
      "fallback": {"total": 0}, "failed": {"total": 0}, "retried": {"total": 1,
      "reasons": {"node_lost": 1}}, "client_cpu_seconds": 0.4321, "bytes_sent": 1572864,
      "bytes_received": 999, "calls": 36})"),
            "calls        36\n"
            "remote       33\n"
            "local        3 (link 1, not_a_compile 2)\n"
            "fallback     0\n"
            "failed       0\n"
            "retried      1 (node_lost 1)\n"
            "client CPU   0.43 s\n"
            "sent         1.5 MiB\n"
            "received     999 B\n");
}

TEST(Render, why) {
  ::setenv("TZ", "UTC", 1);
  EXPECT_EQ(text_of("why", R"({"found": true, "file": "/p/a.c", "ran": "remote", "node": "w1",
      "reason": "remote", "when": 86400, "wall_ms": 180, "phases": {"list_ms": 12,
      "acquire_ms": 0, "queue_ms": 1, "root_ms": 1, "run_ms": 150, "transfer_ms": 3},
      "attempts": [{"node": "w2", "outcome": "executor_lost"},
                   {"node": "w1", "outcome": "exited"}]})"),
            "file         /p/a.c\n"
            "ran          remotely on w1\n"
            "because      remote\n"
            "when         1970-01-02 00:00:00\n"
            "took         180 ms\n"
            "phases       list 12 ms, acquire 0 ms, queue 1 ms, root 1 ms, run 150 ms,\n"
            "             transfer 3 ms\n"
            "attempt      w2: executor_lost\n"
            "attempt      w1: exited\n");
  const auto missing = render("why", R"({"found": false, "file": "/p/b.c"})", {});
  EXPECT_FALSE(missing->ok);
}

TEST(Render, config) {
  EXPECT_EQ(text_of("config", R"({"settings": [
      {"name": "coordinator", "value": "10.0.0.1", "source": "KILN_COORDINATOR"},
      {"name": "fallback", "value": "1", "source": "default"}]})"),
            "SETTING      VALUE     FROM\n"
            "coordinator  10.0.0.1  KILN_COORDINATOR\n"
            "fallback     1         default\n");
}

TEST(Render, config_that_waits_for_another_agent) {
  RenderOptions narrow;
  narrow.width = 40;
  EXPECT_EQ(text_of("config", R"({"settings": [
      {"name": "coordinator", "value": "a", "source": "default", "pending": "10.0.0.1"}]})",
                    narrow),
            "SETTING      VALUE  FROM\n"
            "coordinator  a      default\n"
            "The agent was started with another\n"
            "coordinator; to use 10.0.0.1: kiln agent\n"
            "stop\n");
}

TEST(Render, doctor_says_how_to_mend_and_fails) {
  const auto rendered = render("doctor", R"({"checks": [
      {"name": "toolchain", "ok": true, "detail": "gcc 12.2.0"},
      {"name": "coordinator", "ok": false, "detail": "10.0.0.1:10650 refused the connection",
       "mend": "start kiln-coordinator there, or set KILN_COORDINATOR"}]})",
                               {});
  ASSERT_TRUE(rendered);
  EXPECT_FALSE(rendered->ok);
  EXPECT_EQ(rendered->text,
            "ok           toolchain: gcc 12.2.0\n"
            "wrong        coordinator: 10.0.0.1:10650 refused the connection\n"
            "  to mend    start kiln-coordinator there, or set KILN_COORDINATOR\n"
            "1 thing is wrong\n");
  EXPECT_TRUE(render("doctor", R"({"checks": [{"name": "a", "ok": true}]})", {})->ok);
}

TEST(Render, builds_that_are_remembered) {
  EXPECT_EQ(text_of("trace", R"({"builds": [{"name": "nightly", "jobs": 7, "remote": 4, "local": 2,
                                            "fallback": 1, "failed": 0, "wall_ms": 1500}]})"),
            "BUILD    JOBS  REMOTE  LOCAL  FALLBACK  FAILED   WALL  BEGAN\n"
            "nightly     7       4      2         1       0  1.5 s  -\n");
  EXPECT_EQ(text_of("trace", R"({"builds": []})"), "no builds that this agent remembers\n");
}

TEST(Render, strange_answers_do_no_harm) {
  EXPECT_EQ(render("status", "no json", {}).error().code, Errc::corrupt);
  EXPECT_EQ(render("status", "[1]", {}).error().code, Errc::corrupt);
  EXPECT_EQ(text_of("nodes", R"({"nodes": 7})"), text_of("nodes", R"({"nodes": [{}]})"));
  EXPECT_THAT(text_of("tasks", "{\"tasks\": [{\"label\": \"a\\u001b[2Jb\"}]}"),
              testing::HasSubstr("a?[2Jb"));
  for (const char* name : {"status", "stats", "why", "config", "doctor", "jobs"}) {
    EXPECT_TRUE(
        render(name, R"({"agent": 3, "checks": 4, "remote": [], "settings": {"a": 1}})", {}))
        << name;
  }
}

}  // namespace
}  // namespace kiln::client
