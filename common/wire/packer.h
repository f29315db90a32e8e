// Writes MessagePack. Inside common/wire only; keeps the library's header out of the templates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kiln::wire {

class Packer {
 public:
  // Appends to `out`, which must outlive the packer.
  explicit Packer(std::string& out) : out_(out) {}

  void map(std::size_t entries);
  void array(std::size_t elements);
  void text(std::string_view value);
  void bytes(const void* data, std::size_t size);
  void number(std::uint64_t value);
  void number(std::int64_t value);
  void real(double value);
  void boolean(bool value);

 private:
  std::string& out_;
};

}  // namespace kiln::wire
