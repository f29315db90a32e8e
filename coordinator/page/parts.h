// The files of the live page, as this binary carries them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kiln::coordinator::page {

struct Part {
  std::string_view name;  // "index.html"
  std::string_view content_type;
  std::string_view content;
  std::string etag;  // changes with the content; with its quotes, as HTTP has it
};

// All of them, for as long as the process lives.
std::span<const Part> parts();

}  // namespace kiln::coordinator::page
