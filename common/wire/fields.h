// Structs with `describe` to MessagePack and back. Inside common/wire only.
//
// A struct is a map keyed by field name. Reading ignores unknown keys, keeps the default of missing
// ones, and refuses a value of another type or outside the field's range, naming the field.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/model/key.h"
#include "common/model/node.h"
#include "common/model/pool.h"
#include "common/model/task.h"
#include "common/model/tree.h"
#include "common/wire/messages.h"
#include "common/wire/packer.h"
#include "common/wire/parsed.h"

namespace kiln::wire {

// The last enumerator of each enum that travels; a larger number is refused.
template <typename Enum>
inline constexpr Enum kLast = Enum::declare_kLast_for_this_enum;
template <>
inline constexpr TaskPhase kLast<TaskPhase> = TaskPhase::returning;
template <>
inline constexpr Outcome kLast<Outcome> = Outcome::not_started;
template <>
inline constexpr EntryKind kLast<EntryKind> = EntryKind::symlink;
template <>
inline constexpr PoolContext kLast<PoolContext> = PoolContext::forkserver;
template <>
inline constexpr PoolWish kLast<PoolWish> = PoolWish::quiesce;
template <>
inline constexpr PoolState kLast<PoolState> = PoolState::broken;
template <>
inline constexpr Encoding kLast<Encoding> = Encoding::zstd;
template <>
inline constexpr RelayChannel kLast<RelayChannel> = RelayChannel::bulk;

// ---- Writing -----------------------------------------------------------------------------------

inline void write(Packer& packer, const std::string& value) {
  packer.text(value);
}
inline void write(Packer& packer, bool value) {
  packer.boolean(value);
}
inline void write(Packer& packer, double value) {
  packer.real(value);
}
inline void write(Packer& packer, const Digest& value) {
  packer.bytes(value.bytes.data(), value.bytes.size());
}

inline void write(Packer& packer, const PublicKey& value) {
  packer.bytes(value.bytes.data(), value.bytes.size());
}

template <typename T>
void write(Packer& packer, const T& value);
template <typename T>
void write(Packer& packer, const std::vector<T>& values) {
  packer.array(values.size());
  for (const auto& value : values) write(packer, value);
}
template <typename First, typename Second>
void write(Packer& packer, const std::pair<First, Second>& pair) {
  packer.array(2);
  write(packer, pair.first);
  write(packer, pair.second);
}

template <typename T>
void write(Packer& packer, const T& value) {
  if constexpr (std::is_enum_v<T>) {
    packer.number(static_cast<std::uint64_t>(value));
  } else if constexpr (std::is_integral_v<T>) {
    using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    packer.number(static_cast<Wide>(value));
  } else {
    std::size_t fields = 0;
    T::describe(value, [&](std::string_view, const auto&) { ++fields; });
    packer.map(fields);
    T::describe(value, [&](std::string_view name, const auto& field) {
      packer.text(name);
      write(packer, field);
    });
  }
}

// ---- Reading -----------------------------------------------------------------------------------

inline constexpr std::size_t kReserved = 1'024;  // elements

// Where a value stands, for messages: "Run.task.argv".
struct Place {
  const Place* outer = nullptr;
  std::string_view name;

  std::string text() const {
    return outer == nullptr ? std::string(name) : outer->text() + "." + std::string(name);
  }
};

inline Status mismatch(const Place& place, std::string_view expected) {
  return fail(Errc::corrupt, place.text() + " must be " + std::string(expected));
}

inline Status read(const Value& value, std::string& out, const Place& place) {
  const auto text = value.text();
  if (!text) return mismatch(place, "text");
  out = *text;
  return {};
}
inline Status read(const Value& value, bool& out, const Place& place) {
  const auto truth = value.boolean();
  if (!truth) return mismatch(place, "a boolean");
  out = *truth;
  return {};
}
inline Status read(const Value& value, double& out, const Place& place) {
  const auto real = value.real();
  if (!real) return mismatch(place, "a number");
  out = *real;
  return {};
}
inline Status read(const Value& value, std::array<std::uint8_t, 32>& out, const Place& place) {
  const auto bytes = value.bytes();
  if (!bytes || bytes->size() != out.size()) return mismatch(place, "32 bytes");
  std::memcpy(out.data(), bytes->data(), bytes->size());
  return {};
}
inline Status read(const Value& value, Digest& out, const Place& place) {
  return read(value, out.bytes, place);
}
inline Status read(const Value& value, PublicKey& out, const Place& place) {
  return read(value, out.bytes, place);
}

template <typename T>
Status read_number(const Value& value, T& out, const Place& place) {
  if constexpr (std::is_signed_v<T>) {
    const auto number = value.signed_number();
    if (!number || *number < std::numeric_limits<T>::min() ||
        *number > std::numeric_limits<T>::max()) {
      return mismatch(place, "an integer within its range");
    }
    out = static_cast<T>(*number);
  } else {
    const auto number = value.unsigned_number();
    if (!number || *number > std::numeric_limits<T>::max()) {
      return mismatch(place, "an unsigned integer within its range");
    }
    out = static_cast<T>(*number);
  }
  return {};
}

template <typename T>
Status read(const Value& value, T& out, const Place& place);
template <typename T>
Status read(const Value& value, std::vector<T>& out, const Place& place) {
  const auto size = value.array_size();
  if (!size) return mismatch(place, "an array");
  out.clear();
  // An element takes many times the bytes that announce it: make room as they prove to be good.
  out.reserve(std::min(*size, kReserved));
  for (std::size_t i = 0; i < *size; ++i) {
    KILN_TRY(read(value.element(i), out.emplace_back(), place));
  }
  return {};
}
template <typename First, typename Second>
Status read(const Value& value, std::pair<First, Second>& out, const Place& place) {
  if (value.array_size() != std::size_t{2}) return mismatch(place, "an array of 2");
  KILN_TRY(read(value.element(0), out.first, place));
  return read(value.element(1), out.second, place);
}

// Finds keys in a map, quickly where they come in the order of asking.
class KeyFinder {
 public:
  KeyFinder(const Value& map, std::size_t size) : map_(map), size_(size) {}

  // The index of `name`; the map's size when it is not there.
  std::size_t find(std::string_view name) {
    for (std::size_t step = 0; step < size_; ++step) {
      const std::size_t index = (next_ + step) % size_;
      if (map_.key(index) != name) continue;
      next_ = (index + 1) % size_;
      return index;
    }
    return size_;
  }

 private:
  const Value& map_;
  std::size_t size_;
  std::size_t next_ = 0;
};

template <typename T>
Status read_struct(const Value& value, T& out, const Place& place) {
  const auto size = value.map_size();
  if (!size) return mismatch(place, "a map");
  KeyFinder keys(value, *size);
  Status status;
  T::describe(out, [&](std::string_view name, auto& field) {
    if (!status) return;
    const std::size_t index = keys.find(name);
    if (index < *size) status = read(value.value(index), field, Place{&place, name});
  });
  return status;
}

template <typename T>
Status read(const Value& value, T& out, const Place& place) {
  if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> number{};
    KILN_TRY(read_number(value, number, place));
    if (number > static_cast<std::underlying_type_t<T>>(kLast<T>)) {
      return mismatch(place, "a value that this program knows");
    }
    out = static_cast<T>(number);
    return {};
  } else if constexpr (std::is_integral_v<T>) {
    return read_number(value, out, place);
  } else {
    return read_struct(value, out, place);
  }
}

}  // namespace kiln::wire
