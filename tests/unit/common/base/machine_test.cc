#include "common/base/machine.h"

#include <gtest/gtest.h>
#include <sched.h>

namespace kiln {
namespace {

TEST(Machine, cores_follow_the_affinity_of_the_process) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &one);
      break;
    }
  }
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cores(), 1U);
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(Machine, memory_and_names_are_plausible) {
  EXPECT_GT(usable_memory_bytes(), 64U << 20U);
  EXPECT_GT(available_memory_bytes(), 0U);
  EXPECT_LE(available_memory_bytes(), std::uint64_t{1} << 50U);
  EXPECT_FALSE(architecture().empty());
  EXPECT_NE(random_epoch(), random_epoch());
}

TEST(Machine, a_controller_is_found_among_those_mounted_with_it) {
  const std::string one = "12:cpu,cpuacct:/docker/a\n5:memory:/docker/b\n1:name=systemd:/c\n";
  EXPECT_EQ(cgroup_path(one, "cpu"), "/docker/a");
  EXPECT_EQ(cgroup_path(one, "cpuacct"), "/docker/a");
  EXPECT_EQ(cgroup_path(one, "memory"), "/docker/b");
  EXPECT_EQ(cgroup_path(one, "pids"), std::nullopt);
  EXPECT_EQ(cgroup_path(one, ""), std::nullopt) << "no version 2";
  EXPECT_EQ(cgroup_path("0::/user.slice\n", ""), "/user.slice");
  EXPECT_EQ(cgroup_path("0::/user.slice\n", "cpu"), std::nullopt);
  EXPECT_EQ(cgroup_path("garbage", "cpu"), std::nullopt);
}

}  // namespace
}  // namespace kiln
