#include "common/config/units.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

namespace kiln::config {
namespace {

struct Split {
  std::uint64_t number = 0;
  std::string_view unit;
};

Error not_a(std::string_view what, std::string_view text, std::string_view hint) {
  return Error{Errc::invalid_argument, "\"" + std::string(text) + "\" is not " + std::string(what) +
                                           "; " + std::string(hint)};
}

// Leading digits and the rest; false without digits or when they overflow.
bool split(std::string_view text, Split& out) {
  const auto* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, out.number);
  if (problem != std::errc{}) return false;
  out.unit = std::string_view(rest, static_cast<std::size_t>(end - rest));
  return true;
}

bool multiply(std::uint64_t number, std::uint64_t factor, std::uint64_t& out) {
  if (number > std::numeric_limits<std::uint64_t>::max() / factor) return false;
  out = number * factor;
  return true;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

constexpr std::string_view kSizeHint = "write bytes or a number with K, M, G or T, as 10G";
constexpr std::string_view kDurationHint =
    "write a whole number of seconds, or one with us, ms, s, m or h, as 250ms";

std::uint64_t size_factor(std::string_view unit) {
  auto word = lowered(unit);
  if (word.size() == 3 && word.ends_with("ib")) word.resize(1);
  if (word.size() == 2 && word.back() == 'b') word.resize(1);
  if (word.empty() || word == "b") return 1;
  static constexpr std::array<std::string_view, 4> kUnits = {"k", "m", "g", "t"};
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    if (kUnits.at(i) == word) return std::uint64_t{1} << (10 * (i + 1));
  }
  return 0;
}

// Microseconds of a unit, 0 for none.
std::uint64_t duration_factor(std::string_view unit) {
  if (unit == "us") return 1;
  if (unit == "ms") return 1'000;
  if (unit == "s" || unit.empty()) return 1'000'000;
  if (unit == "m") return 60'000'000;
  if (unit == "h") return 3'600'000'000;
  return 0;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  Split parts;
  if (!split(text, parts)) return fail(not_a("a size", text, kSizeHint));
  const auto factor = size_factor(parts.unit);
  std::uint64_t bytes = 0;
  if (factor == 0 || !multiply(parts.number, factor, bytes)) {
    return fail(not_a("a size", text, kSizeHint));
  }
  return bytes;
}

Result<Duration> parse_duration(std::string_view text) {
  Split parts;
  if (!split(text, parts)) return fail(not_a("a duration", text, kDurationHint));
  const auto factor = duration_factor(parts.unit);
  std::uint64_t micros = 0;
  constexpr std::uint64_t kMost = 100ULL * 365 * 24 * 3600 * 1'000'000;  // a century
  if (factor == 0 || !multiply(parts.number, factor, micros) || micros > kMost) {
    return fail(not_a("a duration", text, kDurationHint));
  }
  return std::chrono::duration_cast<Duration>(
      std::chrono::microseconds(static_cast<std::int64_t>(micros)));
}

Result<bool> parse_bool(std::string_view text) {
  const auto word = lowered(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0") return false;
  return fail(not_a("a switch", text, "write 1 or 0"));
}

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  Split parts;
  const bool fine = split(text, parts) && parts.unit.empty();
  if (!fine || parts.number < least || parts.number > most) {
    return fail(not_a("a number that fits here", text,
                      "write one from " + std::to_string(least) + " to " + std::to_string(most)));
  }
  return parts.number;
}

}  // namespace kiln::config
