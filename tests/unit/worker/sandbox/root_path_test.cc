#include "worker/sandbox/root_path.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/temporary_directory.h"

namespace kiln::worker {
namespace {

using namespace std::chrono_literals;

// Renames a file to and fro, which disturbs every ".." that is followed inside of a root meanwhile.
class Disturbance {
 public:
  explicit Disturbance(const std::filesystem::path& directory) {
    std::ofstream(directory / "to");
    thread_ = std::thread([this, to = directory / "to", fro = directory / "fro"] {
      while (!ended_) {
        std::rename(to.c_str(), fro.c_str());
        std::rename(fro.c_str(), to.c_str());
      }
    });
  }
  ~Disturbance() {
    ended_ = true;
    thread_.join();
  }
  Disturbance(const Disturbance&) = delete;
  Disturbance& operator=(const Disturbance&) = delete;

 private:
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

// Whether the kernel gives up following `path`, asked once.
bool disturbed(int root, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
  return !fd.valid() && errno == EAGAIN;
}

TEST(RootPath, a_rename_elsewhere_does_not_keep_a_path_from_being_followed) {
  const test_support::TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() / "root/bin");
  std::ofstream(directory.path() / "root/bin/tool") << "x";
  const UniqueFd root(::open((directory.path() / "root").c_str(), O_PATH | O_CLOEXEC));
  std::string path;
  for (int i = 0; i < 8; ++i) path += "bin/../";
  path += "bin/tool";
  const Disturbance disturbance(directory.path());

  const auto deadline = std::chrono::steady_clock::now() + 10s;
  int times = 0;
  while (times < 20 && std::chrono::steady_clock::now() < deadline) {
    times += disturbed(root.get(), path) ? 1 : 0;
    ASSERT_TRUE(open_in_root(root.get(), path, O_RDONLY).valid()) << times << ": errno " << errno;
  }
  // On one core the two take turns only between their system calls.
  if (std::thread::hardware_concurrency() > 1) {
    EXPECT_GT(times, 0) << "nothing was disturbed, so nothing was shown";
  }
}

TEST(RootPath, a_path_that_does_not_exist_is_told_at_once) {
  const test_support::TemporaryDirectory directory;
  const UniqueFd root(::open(directory.path().c_str(), O_PATH | O_CLOEXEC));

  EXPECT_FALSE(open_in_root(root.get(), "/none", O_RDONLY).valid());
  EXPECT_EQ(errno, ENOENT);
}

}  // namespace
}  // namespace kiln::worker
