// The few facts about an executable file that decide how it can be packaged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace kiln::client {

enum class ProgramKind : std::uint8_t { elf, script, other };

struct ProgramFile {
  ProgramKind kind = ProgramKind::other;
  std::string architecture;              // elf: as uname -m
  bool is_dynamic = false;               // elf: has a dynamic section
  std::string loader;                    // elf: PT_INTERP; empty when static or a shared library
  std::vector<std::string> interpreter;  // script: the words behind "#!"
};

// Reads the head of the file at `path`, following symlinks. Errc::corrupt for a truncated ELF file.
Result<ProgramFile> inspect_program(const std::string& path);

}  // namespace kiln::client
