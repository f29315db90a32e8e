#include "worker/sandbox/capture.h"

#include <cerrno>
#include <string_view>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/files.h"

namespace kiln::worker {
namespace {

TEST(Capture, tells_a_full_budget_from_a_node_without_memory) {
  auto capture = Capture::open();
  ASSERT_TRUE(capture);
  ASSERT_EQ(::write(capture->write_end(), "text", 4), 4);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};  // so that no memory file can be made
  CaptureBudget budget{100, false, {}};
  // The undefined behaviour sanitizer's first look at an error category takes descriptors.
  static_cast<void>(system_error("", EMFILE));
  ::setrlimit(RLIMIT_NOFILE, &none);
  capture->take(budget);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_FALSE(budget.exceeded);
  ASSERT_FALSE(budget.trouble);
  EXPECT_NE(budget.trouble.error().message.find("memory file"), std::string::npos);
  EXPECT_EQ(capture->bytes(), 0U);
}

TEST(Capture, keeps_what_the_budget_allows) {
  auto capture = Capture::open();
  ASSERT_TRUE(capture);
  ASSERT_EQ(::write(capture->write_end(), "text", 4), 4);
  CaptureBudget budget{3, false, {}};
  capture->take(budget);
  EXPECT_TRUE(budget.exceeded);
  EXPECT_TRUE(budget.trouble);
  EXPECT_EQ(capture->bytes(), 3U);
}

TEST(Capture, keeps_the_end_whatever_the_budget) {
  auto capture = Capture::open(6);
  ASSERT_TRUE(capture);
  CaptureBudget budget{1, false, {}};
  for (const std::string_view text : {"begin ", "of a ", "text"}) {
    ASSERT_EQ(::write(capture->write_end(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
    capture->take(budget);
  }
  EXPECT_EQ(capture->bytes(), 0U) << "until it is known to be the end";
  capture->finish(budget);
  EXPECT_FALSE(budget.exceeded);
  EXPECT_TRUE(budget.trouble);
  EXPECT_EQ(capture->bytes(), 6U);
  const auto file = capture->release_file();
  ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(read_all(file.get()).value_or("(unreadable)"), "a text");
}

}  // namespace
}  // namespace kiln::worker
