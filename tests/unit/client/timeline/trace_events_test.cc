#include "client/timeline/trace_events.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/client/timeline/records.h"

namespace kiln::client {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

json shown(const BuildBook& book) {
  return json::parse(trace_events(*book.find(""), "desk"), nullptr, false);
}

std::vector<json> of_kind(const json& trace, const char* member, const std::string& value) {
  std::vector<json> found;
  for (const auto& event : trace["traceEvents"]) {
    if (event.value(member, "") == value) found.push_back(event);
  }
  return found;
}

class TraceEvents : public testing::Test {
 protected:
  void add(std::shared_ptr<CallRecord> record) {
    const auto run = book_.enter("x", record->begun);
    book_.add(run, std::move(record));
  }
  // Of processes or threads, by number.
  std::map<int, std::string> names(const json& trace, const std::string& what, int process = 0) {
    std::map<int, std::string> all;
    for (const auto& event : of_kind(trace, "name", what + "_name")) {
      if (process == 0) all[event["pid"]] = event["args"]["name"];
      if (process == event["pid"]) all[event["tid"]] = event["args"]["name"];
    }
    return all;
  }

  BuildBook book_{100'000};
};

TEST_F(TraceEvents, nodes_are_processes_and_slots_are_threads) {
  add(remote_call("/src/a.c", "w1"));
  add(remote_call("/src/b.c", "w0", 10));
  add(remote_call("/src/c.c", "w0", 20));
  const json trace = shown(book_);
  EXPECT_EQ(names(trace, "process"),
            (std::map<int, std::string>{{1, "client desk"}, {2, "node w0"}, {3, "node w1"}}));
  EXPECT_EQ(names(trace, "thread", 2), (std::map<int, std::string>{{1, "slot 1"}, {2, "slot 2"}}));
  EXPECT_EQ(names(trace, "thread", 3), (std::map<int, std::string>{{1, "slot 1"}}));
  EXPECT_EQ(names(trace, "thread", 1),
            (std::map<int, std::string>{{1, "listing 1"}, {2, "return 1"}}));
  const auto jobs = of_kind(trace, "cat", "job");
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(jobs[0]["name"], "b.c");
  EXPECT_EQ(jobs[0]["ts"], 17'000);
  EXPECT_EQ(jobs[0]["dur"], 43'000);
}

TEST_F(TraceEvents, what_is_told_of_a_job) {
  auto record = remote_call("/src/a.c", "w1");
  record->pool = "cc";
  auto& attempts = record->traces[0].attempts;
  attempts.insert(attempts.begin(), attempt_on("w0", "worker_lost", 1, 4));
  attempts[0].bytes_in = 50;
  add(record);
  const json trace = shown(book_);
  EXPECT_EQ(of_kind(trace, "cat", "job")[0]["args"], (json{{"file", "/src/a.c"},
                                                           {"outcome", "remote"},
                                                           {"reason", "compiled"},
                                                           {"pool", "cc"},
                                                           {"attempts", 2},
                                                           {"attempt", 2},
                                                           {"ended", "exited"},
                                                           {"bytes_in", 150},
                                                           {"bytes_out", 7}}));
  EXPECT_EQ(of_kind(trace, "cat", "attempt")[0]["args"], (json{{"file", "/src/a.c"},
                                                               {"attempt", 1},
                                                               {"ended", "worker_lost"},
                                                               {"bytes_in", 50},
                                                               {"bytes_out", 0}}));
}

TEST_F(TraceEvents, each_job_is_there_once_wherever_it_ran) {
  add(remote_call("/a.c", "w0"));
  add(local_call("/b.c", 1, 2));
  add(local_call("/c.c", 1, 2, true));
  auto failed = local_call("/d.c", 1, 2);
  failed->ran = CallRecord::Ran::nowhere;
  failed->detail = "said so";
  add(failed);
  const json trace = shown(book_);
  std::vector<std::string> outcomes;
  for (const auto& job : of_kind(trace, "cat", "job")) outcomes.push_back(job["args"]["outcome"]);
  EXPECT_THAT(outcomes, UnorderedElementsAre("remote", "local", "fallback", "failed"));
  EXPECT_EQ(trace["otherData"]["jobs"], 4);
  EXPECT_EQ(trace["otherData"]["wall_ms"], 53.0);
  EXPECT_FALSE(trace.contains("displayTimeUnit"));
  EXPECT_FALSE(of_kind(trace, "ph", "C").empty());
}

TEST_F(TraceEvents, names_of_any_bytes_are_valid_all_the_same) {
  add(remote_call("/caf\xe9\"\n.c", "w0"));
  EXPECT_EQ(of_kind(shown(book_), "cat", "job")[0]["name"], "caf\xef\xbf\xbd\"\n.c");
}

TEST_F(TraceEvents, of_a_large_build_every_job_is_there) {
  constexpr int kJobs = 10'000;
  for (int i = 0; i < kJobs; ++i)
    add(remote_call("/some/where/of/it/file" + std::to_string(i) + ".cc",
                    "w" + std::to_string(i % 9), i));
  const std::string text = trace_events(*book_.find("x"), "desk");
  EXPECT_LT(text.size(), kJobs * 2500U);
  EXPECT_TRUE(json::accept(text));
  const std::string job = R"("cat":"job")";
  int jobs = 0;
  for (auto at = text.find(job); at != std::string::npos; at = text.find(job, at + 1)) ++jobs;
  EXPECT_EQ(jobs, kJobs);
}

TEST_F(TraceEvents, the_list_has_the_newest_first) {
  add(remote_call("/a.c", "w0"));
  book_.add(book_.enter("y", at_ms(5)), local_call("/b.c", 5, 9));
  const json list = json::parse(build_list(book_.list()))["builds"];
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0], (json{{"name", "y"},
                           {"jobs", 1},
                           {"remote", 0},
                           {"local", 1},
                           {"fallback", 0},
                           {"failed", 0},
                           {"forgotten", 0},
                           {"active", 0},
                           {"wall_ms", 4.0},
                           {"when", 1'000'000}}));
  EXPECT_EQ(list[1]["name"], "x");
  EXPECT_EQ(build_list({}), R"({"builds":[]})");
}

}  // namespace
}  // namespace kiln::client
