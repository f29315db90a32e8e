#include "worker/forkserver/stub_image.h"

#include "common/base/files.h"

namespace kiln::worker {
namespace {

constexpr unsigned char kStub[] = {
#include "worker/forkserver/stub_bytes.inc"
};

}  // namespace

std::string_view stub_image() {
  return {reinterpret_cast<const char*>(kStub), sizeof kStub};
}

Status write_stub(const std::filesystem::path& path) {
  return write_file_atomically(path, stub_image(), 0555);
}

}  // namespace kiln::worker
