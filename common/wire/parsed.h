// Reads MessagePack from anybody. Inside common/wire only; keeps the library's header out of the
// templates.
//
// The bytes are walked once without allocating before anything is built, because a container's
// announced size would otherwise be allocated before its elements are seen to be there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "common/base/result.h"

namespace kiln::wire {

// One value inside a Parsed, which must outlive it. Each reader gives nothing on another type.
class Value {
 public:
  explicit Value(const void* object) : object_(object) {}

  std::optional<std::uint64_t> unsigned_number() const;
  std::optional<std::int64_t> signed_number() const;
  std::optional<double> real() const;
  std::optional<bool> boolean() const;
  std::optional<std::string_view> text() const;
  std::optional<std::string_view> bytes() const;

  std::optional<std::size_t> array_size() const;
  // REQUIRES: index < *array_size().
  Value element(std::size_t index) const;

  std::optional<std::size_t> map_size() const;
  // REQUIRES: index < *map_size(). Empty for a key that is no text.
  std::string_view key(std::size_t index) const;
  Value value(std::size_t index) const;

 private:
  const void* object_;
};

class Parsed {
 public:
  // Errc::corrupt unless `bytes` are exactly one well-formed value, not too deep and not too many
  // parts. Refers to `bytes`, which must outlive it.
  static Result<Parsed> parse(std::string_view bytes);
  // The value that `bytes` begin with, whatever follows it; `used` becomes its size in bytes.
  static Result<Parsed> parse_first(std::string_view bytes, std::size_t& used);
  Parsed(Parsed&&) noexcept;
  Parsed& operator=(Parsed&&) noexcept;
  ~Parsed();

  Value root() const;

 private:
  struct Holder;
  explicit Parsed(std::unique_ptr<Holder> holder);
  std::unique_ptr<Holder> holder_;
};

}  // namespace kiln::wire
