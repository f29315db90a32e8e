#include "worker/sandbox/diagnosis.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "common/base/files.h"
#include "tests/support/temporary_directory.h"

namespace kiln::worker {
namespace {

const Identity kRoot{true, 65533, 65533};
const Identity kUser{false, 1000, 1000};

bool mentions(const Error& error, const char* words) {
  return error.message.find(words) != std::string::npos;
}

TEST(Diagnosis, names_the_missing_capability_of_a_container) {
  const auto error = explain(SandboxStep::namespaces, EPERM, kRoot);
  EXPECT_EQ(error.code, Errc::permission_denied);
  EXPECT_TRUE(mentions(error, "SYS_ADMIN")) << error.message;
}

TEST(Diagnosis, tells_an_ordinary_user_what_gives_user_namespaces) {
  const auto error = explain(SandboxStep::user_namespace, EPERM, kUser);
  EXPECT_TRUE(mentions(error, "root")) << error.message;
  EXPECT_TRUE(mentions(explain(SandboxStep::user_namespace, ENOSPC, kUser), "user.max_"));
}

// Each setting that withholds namespaces on some distribution, set so in a /proc/sys of our own.
TEST(Diagnosis, names_the_one_setting_that_withholds_them) {
  struct Case {
    const char* setting;
    const char* value;
    int number;
    const char* advice;
  };
  for (const auto& one :
       {Case{"kernel/unprivileged_userns_clone", "0\n", EPERM,
             "kernel.unprivileged_userns_clone=1"},
        Case{"kernel/apparmor_restrict_unprivileged_userns", "1\n", EACCES,
             "kernel.apparmor_restrict_unprivileged_userns=0"},
        Case{"user/max_user_namespaces", "0\n", ENOSPC, "user.max_user_namespaces to 10000"},
        Case{"user/max_net_namespaces", "0\n", ENOSPC, "user.max_net_namespaces to 10000"},
        Case{"user/max_net_namespaces", "7\n", ENOSPC, "user.max_*_namespaces"},
        Case{"kernel/nothing", "1\n", EPERM, "a seccomp profile or security module"}}) {
    const test_support::TemporaryDirectory settings;
    const auto path = settings.path() / one.setting;
    ASSERT_TRUE(make_directories(path.parent_path()));
    ASSERT_TRUE(write_file_atomically(path, one.value, 0644));
    const auto error = explain(SandboxStep::user_namespace, one.number, kUser, settings.path());
    EXPECT_TRUE(mentions(error, one.advice)) << error.message;
  }
}

TEST(Diagnosis, blames_namespaces_only_where_some_are_made) {
  EXPECT_TRUE(mentions(explain(SandboxStep::namespaces, ENOSPC, kRoot), "namespaces is reached"));
  for (const auto step : {SandboxStep::overlay, SandboxStep::devices, SandboxStep::proc}) {
    const auto error = explain(step, ENOSPC, kRoot);
    EXPECT_FALSE(mentions(error, "user.max_")) << error.message;
    EXPECT_TRUE(mentions(error, "scratch directory is full")) << error.message;
  }
}

TEST(Diagnosis, tells_masked_proc_and_missing_overlay) {
  EXPECT_TRUE(mentions(explain(SandboxStep::proc, EPERM, kUser), "systempaths"));
  EXPECT_TRUE(mentions(explain(SandboxStep::overlay, ENODEV, kRoot), "modprobe overlay"));
  EXPECT_TRUE(mentions(explain(SandboxStep::overlay, EINVAL, kRoot), "volume"));
}

TEST(Diagnosis, an_overlay_is_known_from_other_file_systems) {
  EXPECT_FALSE(is_on_overlay("/proc"));
  EXPECT_FALSE(is_on_overlay("/nowhere"));
}

}  // namespace
}  // namespace kiln::worker
