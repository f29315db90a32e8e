#include "client/agent/doctor_checks.h"

#include <algorithm>

#include <gmock/gmock.h>

namespace kiln::client {
namespace {

using testing::HasSubstr;

wire::NodeStatus node(std::uint32_t slots, std::uint32_t running, std::uint32_t ready,
                      const std::string& state = "ready") {
  wire::NodeStatus status;
  status.node.name = "w" + std::to_string(slots);
  status.node.version = "1.0";
  status.node.slots = slots;
  status.occupancy.running = running;
  status.occupancy.ready = ready;
  status.state = state;
  return status;
}

Result<wire::FarmStatus> farm(std::vector<wire::NodeStatus> nodes) {
  wire::FarmStatus status;
  status.nodes = std::move(nodes);
  return status;
}

// The check of that name; every check that is not well says what to do, and no other does.
Check find(const std::vector<Check>& checks, const std::string& name) {
  for (const auto& check : checks) EXPECT_EQ(check.ok, check.mend.empty()) << check.name;
  const auto found = std::find_if(checks.begin(), checks.end(),
                                  [&](const Check& check) { return check.name == name; });
  EXPECT_NE(found, checks.end()) << "no check " << name;
  return found == checks.end() ? Check{} : *found;
}

CoordinatorState coordinator(const std::string& state, const std::string& reason,
                             const std::string& version, bool other_version = false) {
  return {"c:1", state, reason, version, other_version};
}

TEST(DoctorChecks, a_farm_in_order_is_well) {
  const auto status = farm({node(4, 1, 3)});
  for (const auto& check : check_nodes(status)) EXPECT_TRUE(check.ok) << check.name;
  for (const auto& check : check_coordinators({coordinator("connected", "", "1.0")}, status, "1.0"))
    EXPECT_TRUE(check.ok) << check.name;
  EXPECT_TRUE(can_run_tasks(status));
  EXPECT_EQ(find(check_nodes(status), "node with room").detail, "3 of 4 slots are free");
}

TEST(DoctorChecks, a_coordinator_that_does_not_answer) {
  const auto checks = check_coordinators({coordinator("connecting", "no connection", "")},
                                         fail(Errc::unavailable, "x"), "1.0");
  const auto check = find(checks, "coordinator c:1");
  EXPECT_FALSE(check.ok);
  EXPECT_THAT(check.mend, HasSubstr("is kiln-coordinator running there"));
  EXPECT_TRUE(find(checks, "versions").ok);
  const auto none = check_coordinators({}, fail(Errc::unavailable, "x"), "1.0");
  EXPECT_FALSE(find(none, "coordinator").ok);
}

TEST(DoctorChecks, a_coordinator_of_another_version_is_to_be_updated_not_started) {
  const auto checks =
      check_coordinators({coordinator("refused", "peer speaks protocol 2", "", true)},
                         fail(Errc::unavailable, "x"), "1.0");
  const auto check = find(checks, "coordinator c:1");
  EXPECT_FALSE(check.ok);
  EXPECT_THAT(check.mend, HasSubstr("update the older"));
  EXPECT_THAT(check.mend, HasSubstr("1.0"));
  EXPECT_EQ(check.mend.find("is kiln-coordinator running"), std::string::npos);
  EXPECT_FALSE(find(checks, "versions").ok);
}

TEST(DoctorChecks, versions_that_differ_and_understand_one_another_are_told) {
  const auto checks =
      check_coordinators({coordinator("connected", "", "1.1")}, farm({node(1, 0, 1)}), "1.0");
  const auto check = find(checks, "versions");
  EXPECT_TRUE(check.ok);
  EXPECT_THAT(check.detail, HasSubstr("1.1"));
}

TEST(DoctorChecks, no_nodes_or_none_that_is_ready) {
  EXPECT_FALSE(find(check_nodes(farm({})), "nodes").ok);
  EXPECT_FALSE(find(check_nodes(farm({node(2, 0, 2, "lost")})), "nodes").ok);
  const auto check = find(check_nodes(fail(Errc::timed_out, "no answer")), "nodes");
  EXPECT_FALSE(check.ok);
  EXPECT_EQ(check.detail, "no answer");
}

TEST(DoctorChecks, nodes_without_executors_lack_namespaces) {
  const auto broken = farm({node(2, 0, 0), node(4, 0, 0)});
  const auto check = find(check_nodes(broken), "namespaces");
  EXPECT_FALSE(check.ok);
  EXPECT_THAT(check.detail, HasSubstr("w2, w4"));
  EXPECT_THAT(check.mend, HasSubstr("unprivileged_userns"));
  EXPECT_THAT(check.mend, HasSubstr("SYS_ADMIN"));
  EXPECT_FALSE(can_run_tasks(broken));
  const auto some = check_nodes(farm({node(2, 0, 0), node(4, 0, 4)}));
  EXPECT_TRUE(find(some, "namespaces").ok);
  EXPECT_THAT(find(some, "namespaces").detail, HasSubstr("no executor on w2"));
  EXPECT_EQ(find(some, "node with room").detail, "4 of 6 slots are free");
}

TEST(DoctorChecks, a_broken_worker_drains_and_its_log_says_why) {
  const auto checks = check_nodes(farm({node(2, 0, 0, "draining")}));
  EXPECT_EQ(find(checks, "nodes").detail, "0 ready, 0 slots; taking no tasks now: w2");
  EXPECT_THAT(find(checks, "nodes").mend, HasSubstr("kiln-worker on w2"));
  EXPECT_THAT(find(checks, "namespaces").detail, HasSubstr("no executor on w2"));
  const auto full_disk = check_nodes(farm({node(2, 0, 2, "draining")}));
  EXPECT_FALSE(find(full_disk, "nodes").ok);
  EXPECT_TRUE(find(full_disk, "namespaces").ok);
}

TEST(DoctorChecks, room_is_slots_that_run_nothing) {
  const auto full = farm({node(2, 2, 0), node(3, 3, 0)});
  const auto checks = check_nodes(full);
  EXPECT_TRUE(find(checks, "nodes").ok);
  EXPECT_TRUE(find(checks, "namespaces").ok) << "busy executors are executors";
  EXPECT_FALSE(find(checks, "node with room").ok);
  EXPECT_TRUE(can_run_tasks(full));
}

TEST(DoctorChecks, settings_that_keep_calls_here) {
  EXPECT_TRUE(find({check_settings({})}, "settings").ok);
  EXPECT_FALSE(find({check_settings({"KILN_PRIORITY: x", false, false, false})}, "settings").ok);
  EXPECT_FALSE(find({check_settings({"", true, false, false})}, "settings").ok);
  EXPECT_FALSE(find({check_settings({"", false, true, false})}, "settings").ok);
  const auto other = find({check_settings({"", false, false, true})}, "settings");
  EXPECT_THAT(other.detail, HasSubstr("another KILN_COORDINATOR"));
  EXPECT_THAT(other.mend, HasSubstr("kiln agent stop"));
}

TEST(DoctorChecks, toolchain_and_probe) {
  EXPECT_TRUE(find({check_toolchain("", "gcc 12", "ab")}, "toolchain").ok);
  EXPECT_FALSE(find({check_toolchain("no cc", "", "")}, "toolchain").ok);
  EXPECT_TRUE(find({check_probe({})}, "probe compile").ok);
  EXPECT_FALSE(find({check_probe(fail(Errc::timed_out, "late"))}, "probe compile").ok);
}

}  // namespace
}  // namespace kiln::client
