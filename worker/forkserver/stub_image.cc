#include "worker/forkserver/stub_image.h"

#include "common/base/files.h"

asm(".pushsection .rodata\n"
    ".global kiln_stub_begin\n"
    ".global kiln_stub_end\n"
    "kiln_stub_begin:\n"
    ".incbin \"" KILN_STUB_FILE
    "\"\n"
    "kiln_stub_end:\n"
    ".popsection\n");

extern "C" {
extern const char kiln_stub_begin[];
extern const char kiln_stub_end[];
}

namespace kiln::worker {

std::string_view stub_image() {
  return {kiln_stub_begin, static_cast<std::size_t>(kiln_stub_end - kiln_stub_begin)};
}

Status write_stub(const std::filesystem::path& path) {
  return write_file_atomically(path, stub_image(), 0555);
}

}  // namespace kiln::worker
