#include "common/wire/salvage.h"

#include <cstddef>
#include <string>

#include "common/wire/codec.h"
#include "common/wire/fields.h"
#include "common/wire/parsed.h"

namespace kiln::wire {
namespace {

// Bytes that announce a map and its size; 0: it is none.
std::size_t map_header(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const auto first = static_cast<unsigned char>(bytes.front());
  if (first >> 4U == 0x8) return 1;
  if (first == 0xde) return 3;
  return first == 0xdf ? 5 : 0;
}

// The map is read entry by entry, as its end may be missing.
std::optional<AttemptId> attempt_in(std::string_view map) {
  std::size_t used = map_header(map);
  while (used > 0 && used < map.size()) {
    map.remove_prefix(used);
    const auto key = Parsed::parse_first(map, used);
    if (!key) break;
    map.remove_prefix(used);
    const auto value = Parsed::parse_first(map, used);
    if (!value) break;
    if (key->root().text() != "attempt") continue;
    AttemptId attempt;
    if (!read(value->root(), attempt, Place{nullptr, "attempt"})) break;
    return attempt;
  }
  return std::nullopt;
}

}  // namespace

Salvage salvage(std::string_view header, std::string_view map) {
  return {attempt_in(map), header == encode(RunResult{}).front()};
}

}  // namespace kiln::wire
