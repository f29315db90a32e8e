#include "common/wire/packer.h"

#include <msgpack.hpp>

namespace kiln::wire {
namespace {

// What msgpack::packer calls a stream.
struct Appender {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

template <typename Write>
void pack(std::string& out, Write write) {
  Appender appender{out};
  msgpack::packer<Appender> packer(appender);
  write(packer);
}

std::uint32_t count(std::size_t size) {
  return static_cast<std::uint32_t>(size);
}

}  // namespace

void Packer::map(std::size_t entries) {
  pack(out_, [&](auto& packer) { packer.pack_map(count(entries)); });
}

void Packer::array(std::size_t elements) {
  pack(out_, [&](auto& packer) { packer.pack_array(count(elements)); });
}

void Packer::text(std::string_view value) {
  pack(out_, [&](auto& packer) {
    packer.pack_str(count(value.size()));
    packer.pack_str_body(value.data(), count(value.size()));
  });
}

void Packer::bytes(const void* data, std::size_t size) {
  pack(out_, [&](auto& packer) {
    packer.pack_bin(count(size));
    packer.pack_bin_body(static_cast<const char*>(data), count(size));
  });
}

void Packer::number(std::uint64_t value) {
  pack(out_, [&](auto& packer) { packer.pack_uint64(value); });
}

void Packer::number(std::int64_t value) {
  pack(out_, [&](auto& packer) { packer.pack_int64(value); });
}

void Packer::real(double value) {
  pack(out_, [&](auto& packer) { packer.pack_double(value); });
}

void Packer::boolean(bool value) {
  pack(out_, [&](auto& packer) { value ? packer.pack_true() : packer.pack_false(); });
}

}  // namespace kiln::wire
