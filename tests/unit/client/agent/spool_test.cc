#include "client/agent/spool.h"

#include <gtest/gtest.h>

#include "common/store/blob_store.h"
#include "tests/support/temporary_directory.h"

namespace kiln::client {
namespace {

TEST(Spool, only_those_of_agents_that_are_gone_are_removed) {
  const test_support::TemporaryDirectory directory;
  const auto open = [&](const char* name) {
    return std::move(*store::BlobStore::open(
        {.directory = directory.path() / name, .limit_bytes = 0, .file_system = nullptr}));
  };
  const auto alive = open("1-of-another-host");
  open("2-gone").reset();
  std::filesystem::create_directory(directory.path() / "3-in-the-making");
  remove_dead_spools(directory.path());
  EXPECT_TRUE(std::filesystem::exists(directory.path() / "1-of-another-host"));
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "2-gone"));
  EXPECT_TRUE(std::filesystem::exists(directory.path() / "3-in-the-making"));
}

TEST(Spool, no_directory_is_no_matter) {
  remove_dead_spools("/nonexistent/spool");
}

}  // namespace
}  // namespace kiln::client
