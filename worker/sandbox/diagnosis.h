// Why this machine refuses a namespace or a mount, and which setting gives it.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/error.h"
#include "worker/sandbox/identity.h"

namespace kiln::worker {

enum class SandboxStep { user_namespace, namespaces, devices, overlay, proc, enter };

// The error of a failed `step` whose system call gave errno `number`: what was tried, what the
// system said, and what to do. Reads the machine's settings to find out, in `settings`.
Error explain(SandboxStep step, int number, const Identity& identity,
              const std::filesystem::path& settings = "/proc/sys");

// An error when `scratch` cannot hold the upper directory of an overlay, whatever the privileges.
bool is_on_overlay(const std::filesystem::path& scratch);

}  // namespace kiln::worker
