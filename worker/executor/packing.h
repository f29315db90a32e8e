// Bytes of described structs, for messages between a worker's processes.
//
// These never leave the machine and both ends are of one build (see build_identity), so there are
// no keys: fields follow each other in the order of `describe`, numbers as 8 bytes of this machine,
// the rest after a count.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace kiln::worker {

class Packer {
 public:
  template <typename Value>
  void operator()(const char*, const Value& value) {
    put(value);
  }
  std::string take() { return std::move(bytes_); }

  template <typename Value>
  void put(const Value& value) {
    if constexpr (std::is_integral_v<Value> || std::is_enum_v<Value>) {
      put_number(static_cast<std::uint64_t>(value));
    } else {
      Value::describe(value, *this);
    }
  }
  void put(const std::string& text) {
    put_number(text.size());
    bytes_ += text;
  }
  void put(const std::filesystem::path& path) { put(path.native()); }
  template <typename Item>
  void put(const std::vector<Item>& items) {
    put_number(items.size());
    for (const auto& item : items) put(item);
  }
  template <typename First, typename Second>
  void put(const std::pair<First, Second>& pair) {
    put(pair.first);
    put(pair.second);
  }

 private:
  void put_number(std::uint64_t number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

  template <typename Value>
  void operator()(const char*, Value& value) {
    get(value);
  }
  // All was there, and nothing else.
  bool done() const { return good_ && bytes_.empty(); }

  template <typename Value>
  void get(Value& value) {
    if constexpr (std::is_integral_v<Value> || std::is_enum_v<Value>) {
      value = static_cast<Value>(get_number());
    } else {
      Value::describe(value, *this);
    }
  }
  void get(std::string& text) {
    const auto size = get_number();
    if (size > bytes_.size()) return fail_here();
    text.assign(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
  }
  void get(std::filesystem::path& path) {
    std::string text;
    get(text);
    path = text;
  }
  template <typename Item>
  void get(std::vector<Item>& items) {
    const auto count = get_number();
    if (count > bytes_.size()) return fail_here();  // each item takes a byte at least
    items.resize(count);
    for (auto& item : items) get(item);
  }
  template <typename First, typename Second>
  void get(std::pair<First, Second>& pair) {
    get(pair.first);
    get(pair.second);
  }

 private:
  std::uint64_t get_number() {
    std::uint64_t number = 0;
    if (bytes_.size() < sizeof number) {
      fail_here();
      return 0;
    }
    std::memcpy(&number, bytes_.data(), sizeof number);
    bytes_.remove_prefix(sizeof number);
    return number;
  }
  void fail_here() {
    good_ = false;
    bytes_ = {};
  }
  std::string_view bytes_;
  bool good_ = true;
};

// Writes down the names and the nesting of a described struct's fields: two builds whose texts are
// equal read each other's bytes.
class Shape {
 public:
  template <typename Value>
  void operator()(const char* name, const Value& value) {
    text_ += name;
    add(value);
    text_ += ' ';
  }
  template <typename Value>
  void add(const Value& value) {
    if constexpr (std::is_integral_v<Value> || std::is_enum_v<Value>) {
      text_ += '#';
    } else {
      text_ += '{';
      Value::describe(value, *this);
      text_ += '}';
    }
  }
  void add(const std::string&) { text_ += '$'; }
  void add(const std::filesystem::path&) { text_ += '$'; }
  template <typename Item>
  void add(const std::vector<Item>&) {
    text_ += '*';
    add(Item());
  }
  template <typename First, typename Second>
  void add(const std::pair<First, Second>& pair) {
    add(pair.first);
    add(pair.second);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

template <typename Value>
std::string pack(const Value& value) {
  Packer packer;
  packer.put(value);
  return packer.take();
}

template <typename Value>
Result<Value> unpack(std::string_view bytes) {
  Value value;
  Unpacker unpacker(bytes);
  unpacker.get(value);
  if (!unpacker.done()) return fail(Errc::corrupt, "a malformed message between Kiln's processes");
  return value;
}

}  // namespace kiln::worker
