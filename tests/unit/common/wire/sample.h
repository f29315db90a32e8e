// Fills any struct with `describe` with values that differ from its defaults and from each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/wire/codec.h"

namespace kiln::wire {

class Filler {
 public:
  void fill(std::string& value) { value = "text " + std::to_string(++count_); }
  void fill(bool& value) { value = !value; }
  void fill(double& value) { value = ++count_ + 0.25; }
  void fill(Digest& value) { value = digest_of(std::to_string(++count_)); }
  void fill(PublicKey& value) { value.bytes = digest_of(std::to_string(++count_)).bytes; }
  template <typename T>
  void fill(std::vector<T>& values) {
    values.resize(2);
    for (auto& value : values) fill(value);
  }
  template <typename First, typename Second>
  void fill(std::pair<First, Second>& pair) {
    fill(pair.first);
    fill(pair.second);
  }
  template <typename T>
  void fill(T& value) {
    if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(1);
    } else if constexpr (std::is_integral_v<T>) {
      ++count_;
      value = std::is_signed_v<T> ? static_cast<T>(-count_) : static_cast<T>(70000 + count_);
    } else {
      T::describe(value, [this](std::string_view, auto& field) { this->fill(field); });
    }
  }

 private:
  int count_ = 0;
};

template <typename T>
T sample() {
  T value;
  Filler().fill(value);
  return value;
}

template <std::size_t... Index>
std::vector<Message> samples_of(std::index_sequence<Index...>) {
  return {Message(sample<std::variant_alternative_t<Index, Message>>())...};
}

// One message of each kind, in the order of their numbers.
inline std::vector<Message> samples() {
  return samples_of(std::make_index_sequence<std::variant_size_v<Message>>());
}

inline Directory sample_directory() {
  Directory directory;
  directory.entries.push_back(
      {"a.h", EntryKind::file, 0644, 1234567890123456789, 42, digest_of("a.h"), "", 7});
  directory.entries.push_back({"lib", EntryKind::symlink, 0777, 0, 0, {}, "usr/lib", 0});
  directory.entries.push_back({"sub", EntryKind::directory, 0755, 0, 0, digest_of("sub"), "", 0});
  return directory;
}

}  // namespace kiln::wire
