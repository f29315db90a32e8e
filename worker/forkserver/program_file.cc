#include "worker/forkserver/program_file.h"

#include <cstring>

#include <elf.h>
#include <link.h>

namespace kiln::worker {

std::string problem_of_program(const std::string& head) {
  if (head.starts_with("#!")) return "a script";
  ElfW(Ehdr) header;
  if (head.size() < sizeof header) return "not an ELF program";
  std::memcpy(&header, head.data(), sizeof header);
  constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return "not an ELF program";
  if (header.e_ident[EI_CLASS] != kClass) return "a program of another word size";
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) part;
    const auto at = header.e_phoff + i * sizeof part;
    if (at > head.size() || head.size() - at < sizeof part) break;
    std::memcpy(&part, head.data() + at, sizeof part);
    if (part.p_type == PT_INTERP) return "";
  }
  return "static program";
}

}  // namespace kiln::worker
