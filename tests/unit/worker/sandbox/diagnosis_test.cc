#include "worker/sandbox/diagnosis.h"

#include <cerrno>

#include <gtest/gtest.h>

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
