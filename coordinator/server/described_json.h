// Structs that describe their fields, as JSON objects of the same names and back: digests as hex,
// enums by name, pairs as arrays of two. For sources only, as it includes the JSON library's types.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/model/pool.h"

namespace kiln::coordinator {

inline constexpr PoolContext kContexts[] = {PoolContext::spawn, PoolContext::fork,
                                            PoolContext::forkserver};

template <typename T>
concept Described = requires(const T& value) {
  T::describe(value, [](auto&&...) {});
};

template <typename Json>
class JsonWriter {
 public:
  template <typename T>
  static Json of(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return std::string(name(value));
    } else if constexpr (std::is_same_v<T, Digest>) {
      return value.hex();
    } else if constexpr (Described<T>) {
      Json object = Json::object();
      T::describe(value, [&](const char* key, const auto& field) { object[key] = of(field); });
      return object;
    } else {
      return value;
    }
  }
  template <typename T>
  static Json of(const std::vector<T>& values) {
    Json list = Json::array();
    for (const auto& value : values) list.push_back(of(value));
    return list;
  }
  template <typename A, typename B>
  static Json of(const std::pair<A, B>& pair) {
    return Json::array({of(pair.first), of(pair.second)});
  }
};

// Missing members keep their value, unknown ones are ignored; a member of another type or beyond
// its range is named in the error.
template <typename Json>
class JsonReader {
 public:
  template <typename T>
  static Status into(const Json& json, T& value, const std::string& what) {
    if constexpr (std::is_same_v<T, bool>) {
      if (!json.is_boolean()) return wrong(what, "must be true or false");
      value = json.template get<bool>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!json.is_string()) return wrong(what, "must be a string");
      value = json.template get<std::string>();
    } else if constexpr (std::is_same_v<T, PoolContext>) {
      return context(json, value, what);
    } else if constexpr (std::is_same_v<T, Digest>) {
      return digest(json, value, what);
    } else if constexpr (std::is_unsigned_v<T>) {
      if (!json.is_number_unsigned()) return wrong(what, "must be a number");
      const auto number = json.template get<std::uint64_t>();
      if (number > std::numeric_limits<T>::max()) return wrong(what, "is too large");
      value = static_cast<T>(number);
    } else {
      static_assert(Described<T>);
      return object(json, value, what);
    }
    return {};
  }
  template <typename T>
  static Status into(const Json& json, std::vector<T>& values, const std::string& what) {
    if (!json.is_array()) return wrong(what, "must be a list");
    values.clear();
    for (const auto& one : json) KILN_TRY(into(one, values.emplace_back(), what));
    return {};
  }
  template <typename A, typename B>
  static Status into(const Json& json, std::pair<A, B>& pair, const std::string& what) {
    if (!json.is_array() || json.size() != 2) return wrong(what, "must be a list of two");
    KILN_TRY(into(json[0], pair.first, what));
    return into(json[1], pair.second, what);
  }

 private:
  static tl::unexpected<Error> wrong(const std::string& what, const std::string& why) {
    return fail(Errc::corrupt, what + " " + why);
  }
  template <typename T>
  static Status object(const Json& json, T& value, const std::string& what) {
    if (!json.is_object()) return wrong(what, "must be an object");
    Status status;
    T::describe(value, [&](const char* key, auto& field) {
      const auto found = json.find(key);
      if (status && found != json.end()) status = into(*found, field, what + "." + key);
    });
    return status;
  }
  static Status context(const Json& json, PoolContext& value, const std::string& what) {
    for (const auto one : kContexts) {
      if (json != std::string(name(one))) continue;
      value = one;
      return {};
    }
    return wrong(what, "must be spawn, fork or forkserver");
  }
  static Status digest(const Json& json, Digest& value, const std::string& what) {
    const auto read = json.is_string() ? parse_digest(json.template get<std::string>())
                                       : Result<Digest>(fail(Errc::corrupt, ""));
    if (!read) return wrong(what, "must be 64 hexadecimal digits");
    value = *read;
    return {};
  }
};

}  // namespace kiln::coordinator
