#include "worker/forkserver/fitness.h"

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

HeldFiles held_clang() {
  return {{{"/store/clang"}, "/usr/bin/clang"},
          "/usr/lib/llvm-14/bin/clang",
          {"/usr/lib/libLLVM-14.so.1", "/etc/ld.so.cache"}};
}

Candidate clang_task() {
  return {
      "/usr/lib/llvm-14/bin/clang", {"PATH=/usr/bin", "A=1"}, {"/in/1", "/in/2", "/store/clang"}};
}

bool nowhere(const std::filesystem::path&, const std::string&) {
  return false;
}

TEST(Fitness, of_a_task_of_the_held_program_in_its_toolchain) {
  EXPECT_TRUE(may_fork(clang_task(), held_clang(), nowhere));
  auto without_inputs = clang_task();
  without_inputs.lowers = {"/store/clang"};
  EXPECT_TRUE(may_fork(without_inputs, held_clang(), nowhere));
}

TEST(Fitness, wants_the_same_file_and_the_same_toolchain_at_the_bottom) {
  auto task = clang_task();
  task.path = "/usr/bin/gcc-12";
  EXPECT_FALSE(may_fork(task, held_clang(), nowhere));
  task = clang_task();
  task.lowers = {"/in/1", "/store/clang", "/store/gcc"};
  EXPECT_FALSE(may_fork(task, held_clang(), nowhere));
  task.lowers = {};
  EXPECT_FALSE(may_fork(task, held_clang(), nowhere));
  auto held = held_clang();
  held.program.lowers = {"/store/over", "/store/clang"};
  EXPECT_FALSE(may_fork(clang_task(), held, nowhere));
}

TEST(Fitness, wants_no_variable_that_counts_before_main) {
  for (const auto* variable : {"LD_PRELOAD=/x", "LD_LIBRARY_PATH=", "GLIBC_TUNABLES=a=1",
                               "MALLOC_ARENA_MAX=1", "MALLOC_CONF=x", "MUSL_LOCPATH=/x"}) {
    auto task = clang_task();
    task.environment.emplace_back(variable);
    EXPECT_FALSE(may_fork(task, held_clang(), nowhere)) << variable;
  }
  for (const auto* variable : {"LANG=C", "LC_ALL=de_DE.UTF-8", "LOCPATH=/x", "OLD_LD=1", "LD=ld"}) {
    EXPECT_FALSE(is_read_before_main(variable)) << variable;
  }
}

TEST(Fitness, wants_no_input_over_what_is_loaded) {
  const auto library_in = [](const std::filesystem::path& where) {
    return [where](const std::filesystem::path& lower, const std::string& path) {
      return lower == where && path == "/usr/lib/libLLVM-14.so.1";
    };
  };
  EXPECT_FALSE(may_fork(clang_task(), held_clang(), library_in("/in/2")));
  EXPECT_TRUE(may_fork(clang_task(), held_clang(), library_in("/store/clang")));
}

}  // namespace
}  // namespace kiln::worker
