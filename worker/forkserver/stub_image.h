// The preloaded stub's shared object, as this program carries it.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/result.h"

namespace kiln::worker {

std::string_view stub_image();

// Writes it to `path` as a file that everybody may read and execute.
Status write_stub(const std::filesystem::path& path);

}  // namespace kiln::worker
