#include "coordinator/page/parts.h"

#include <cstddef>
#include <vector>

#include "common/base/digest.h"

namespace kiln::coordinator::page {
namespace {

std::string_view content_type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  return "image/svg+xml";
}

template <std::size_t kSize>
Part part(std::string_view name, const unsigned char (&bytes)[kSize]) {
  const std::string_view content(reinterpret_cast<const char*>(bytes), kSize);
  return {name, content_type_of(name), content, '"' + digest_of(content).hex().substr(0, 32) + '"'};
}

}  // namespace

std::span<const Part> parts() {
  // The bytes, and the table kParts of them.
#include "coordinator/page/parts.inc"
  return kParts;
}

}  // namespace kiln::coordinator::page
