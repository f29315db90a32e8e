#include "common/metrics/process_metrics.h"

#include <ctime>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "common/base/unique_fd.h"

namespace kiln::metrics {
namespace {

class ProcessMetricsTest : public testing::Test {
 protected:
  double gauge(const char* name) { return registry_.gauge(name, "").value(); }
  double cpu_seconds() { return registry_.counter("process_cpu_seconds_total", "").value(); }
  void refresh() { metrics_.refresh(); }
  std::string text() { return metrics_.text(); }

 private:
  Registry registry_;
  ProcessMetrics metrics_{registry_};
};

TEST_F(ProcessMetricsTest, tells_what_this_process_uses) {
  EXPECT_GT(gauge("process_resident_memory_bytes"), 1 << 20);
  EXPECT_LT(gauge("process_resident_memory_bytes"), 1e12);
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  EXPECT_EQ(gauge("process_max_fds"), static_cast<double>(files.rlim_cur));
}

TEST_F(ProcessMetricsTest, its_start_was_a_moment_ago) {
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(gauge("process_start_time_seconds"), now + 2);
  EXPECT_GT(gauge("process_start_time_seconds"), now - 3600);
}

TEST_F(ProcessMetricsTest, counts_open_files_when_it_is_asked) {
  refresh();
  const double before = gauge("process_open_fds");
  const UniqueFd more(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(gauge("process_open_fds"), before);
  EXPECT_THAT(text(), testing::HasSubstr("process_open_fds " +
                                         std::to_string(static_cast<int>(before) + 1) + "\n"));
}

TEST_F(ProcessMetricsTest, its_cpu_time_grows) {
  const double before = cpu_seconds();
  const std::clock_t end = std::clock() + CLOCKS_PER_SEC / 50;
  while (std::clock() < end) {
  }
  refresh();
  EXPECT_GE(cpu_seconds(), before + 0.01);
}

}  // namespace
}  // namespace kiln::metrics
