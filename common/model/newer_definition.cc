#include "common/model/newer_definition.h"

#include <concepts>
#include <string>
#include <tuple>
#include <type_traits>

namespace kiln {
namespace {

// All that a value holds, as one text that no other value has.
class Text {
 public:
  template <typename Value>
  void add(const Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      add(static_cast<std::uint64_t>(value));
    } else if constexpr (std::integral<Value>) {
      text_ += std::to_string(value) + ";";
    } else {
      Value::describe(value, [this](const char*, const auto& member) { this->add(member); });
    }
  }
  void add(const std::string& value) { text_ += std::to_string(value.size()) + ":" + value; }
  void add(const Digest& value) { text_ += value.hex(); }
  template <typename First, typename Second>
  void add(const std::pair<First, Second>& value) {
    add(value.first);
    add(value.second);
  }
  template <typename Value>
  void add(const std::vector<Value>& values) {
    text_ += std::to_string(values.size()) + "*";
    for (const auto& value : values) add(value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string text_of(const PoolSpec& spec) {
  Text text;
  text.add(spec);
  return text.text();
}

}  // namespace

bool counts_before(const PoolDefinition& one, const PoolDefinition& other) {
  const auto rank = [](const PoolDefinition& of) {
    return std::tuple(of.version, of.deleted, of.changed_s);
  };
  if (rank(one) != rank(other)) return rank(one) > rank(other);
  return text_of(one.spec) > text_of(other.spec);
}

}  // namespace kiln
