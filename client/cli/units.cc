#include "client/cli/units.h"

#include <array>
#include <string_view>

namespace kiln::client {
namespace {

std::string pair_of(std::uint64_t value, std::uint64_t divisor, std::string_view large,
                    std::string_view small, std::uint64_t small_unit) {
  std::string text = std::to_string(value / divisor) + " " + std::string(large);
  const std::uint64_t rest = value % divisor / small_unit;
  if (rest > 0) text += " " + std::to_string(rest) + " " + std::string(small);
  return text;
}

}  // namespace

std::string show_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 7> units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  std::size_t unit = 0;
  std::uint64_t tenths = bytes;
  while (tenths >= 10000) {  // in tenths of the next unit from the second round on
    tenths = unit == 0 ? tenths * 10 / 1024 : tenths / 1024;
    ++unit;
  }
  if (unit == 0) {
    tenths = tenths * 10 / 1024;
    unit = 1;
  }
  std::string text = std::to_string(tenths / 10);
  if (tenths < 100) text += "." + std::to_string(tenths % 10);
  return text + " " + std::string(units.at(unit));
}

std::string show_milliseconds(std::uint64_t milliseconds) {
  if (milliseconds < 1000) return std::to_string(milliseconds) + " ms";
  const std::uint64_t whole = milliseconds / 1000;
  if (whole < 60) {
    return std::to_string(whole) + "." + std::to_string(milliseconds % 1000 / 100) + " s";
  }
  if (whole < 3600) return pair_of(whole, 60, "min", "s", 1);
  if (whole < 86400) return pair_of(whole, 3600, "h", "min", 60);
  return pair_of(whole, 86400, "d", "h", 3600);
}

}  // namespace kiln::client
