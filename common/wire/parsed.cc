#include "common/wire/parsed.h"

#include <exception>
#include <string>

#include <msgpack.hpp>

namespace kiln::wire {
namespace {

constexpr std::size_t kMaxDepth = 16;
// Bounds what a frame full of one-byte values may unfold into (24 bytes each) to about 100 MB.
constexpr std::size_t kMaxParts = std::size_t{4} << 20;

// Sees that everything announced is there and within bounds; allocates nothing.
struct Checker : msgpack::null_visitor {
  std::size_t depth = 0;
  std::size_t parts = 0;
  const char* trouble = nullptr;

  bool refuse(const char* why) {
    trouble = why;
    return false;
  }
  bool enter(std::size_t count) {
    parts += count;
    if (parts > kMaxParts) return refuse("has too many parts");
    if (++depth > kMaxDepth) return refuse("is nested too deeply");
    return true;
  }
  bool start_array(std::uint32_t count) { return enter(count); }
  bool start_map(std::uint32_t count) { return enter(std::size_t{2} * count); }
  bool end_array() {
    --depth;
    return true;
  }
  bool end_map() {
    --depth;
    return true;
  }
  void parse_error(std::size_t, std::size_t) { trouble = "is not MessagePack"; }
  void insufficient_bytes(std::size_t, std::size_t) { trouble = "ends too early"; }
};

bool refer_always(msgpack::type::object_type, std::size_t, void*) {
  return true;
}

const msgpack::object& as_object(const void* object) {
  return *static_cast<const msgpack::object*>(object);
}

Status check(std::string_view bytes) {
  Checker checker;
  std::size_t offset = 0;
  const bool whole = msgpack::parse(bytes.data(), bytes.size(), offset, checker);
  if (checker.trouble != nullptr) return fail(Errc::corrupt, checker.trouble);
  if (!whole) return fail(Errc::corrupt, "is not MessagePack");
  return {};
}

}  // namespace

struct Parsed::Holder {
  msgpack::zone zone;
  msgpack::object root;
};

Parsed::Parsed(std::unique_ptr<Holder> holder) : holder_(std::move(holder)) {}
Parsed::Parsed(Parsed&&) noexcept = default;
Parsed& Parsed::operator=(Parsed&&) noexcept = default;
Parsed::~Parsed() = default;

Result<Parsed> Parsed::parse(std::string_view bytes) {
  std::size_t used = 0;
  auto parsed = parse_first(bytes, used);
  if (parsed && used != bytes.size()) return fail(Errc::corrupt, "has bytes after its end");
  return parsed;
}

Result<Parsed> Parsed::parse_first(std::string_view bytes, std::size_t& used) {
  try {
    if (bytes.empty()) return fail(Errc::corrupt, "is empty");
    KILN_TRY(check(bytes));
    auto holder = std::make_unique<Holder>();
    used = 0;
    holder->root =
        msgpack::unpack(holder->zone, bytes.data(), bytes.size(), used, refer_always, nullptr);
    return Parsed(std::move(holder));
  } catch (const std::exception& error) {
    return fail(Errc::corrupt, std::string("cannot be read: ") + error.what());
  }
}

Value Parsed::root() const {
  return Value(&holder_->root);
}

std::optional<std::uint64_t> Value::unsigned_number() const {
  const auto& object = as_object(object_);
  if (object.type != msgpack::type::POSITIVE_INTEGER) return std::nullopt;
  return object.via.u64;
}

std::optional<std::int64_t> Value::signed_number() const {
  const auto& object = as_object(object_);
  if (object.type == msgpack::type::NEGATIVE_INTEGER) return object.via.i64;
  if (object.type != msgpack::type::POSITIVE_INTEGER || object.via.u64 > INT64_MAX) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(object.via.u64);
}

std::optional<double> Value::real() const {
  const auto& object = as_object(object_);
  switch (object.type) {
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return object.via.f64;
    case msgpack::type::POSITIVE_INTEGER:  // whole numbers travel as integers
      return static_cast<double>(object.via.u64);
    case msgpack::type::NEGATIVE_INTEGER:
      return static_cast<double>(object.via.i64);
    default:
      return std::nullopt;
  }
}

std::optional<bool> Value::boolean() const {
  const auto& object = as_object(object_);
  if (object.type != msgpack::type::BOOLEAN) return std::nullopt;
  return object.via.boolean;
}

std::optional<std::string_view> Value::text() const {
  const auto& object = as_object(object_);
  if (object.type != msgpack::type::STR) return std::nullopt;
  return std::string_view(object.via.str.ptr, object.via.str.size);
}

std::optional<std::string_view> Value::bytes() const {
  const auto& object = as_object(object_);
  if (object.type != msgpack::type::BIN) return std::nullopt;
  return std::string_view(object.via.bin.ptr, object.via.bin.size);
}

std::optional<std::size_t> Value::array_size() const {
  const auto& object = as_object(object_);
  if (object.type != msgpack::type::ARRAY) return std::nullopt;
  return object.via.array.size;
}

Value Value::element(std::size_t index) const {
  return Value(as_object(object_).via.array.ptr + index);
}

std::optional<std::size_t> Value::map_size() const {
  const auto& object = as_object(object_);
  if (object.type != msgpack::type::MAP) return std::nullopt;
  return object.via.map.size;
}

std::string_view Value::key(std::size_t index) const {
  return Value(&as_object(object_).via.map.ptr[index].key).text().value_or(std::string_view());
}

Value Value::value(std::size_t index) const {
  return Value(&as_object(object_).via.map.ptr[index].val);
}

}  // namespace kiln::wire
