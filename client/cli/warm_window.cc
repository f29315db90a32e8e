#include "client/cli/warm_window.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/config/units.h"

namespace kiln::client {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr unsigned kEveryDay = 0x7f;

std::optional<std::size_t> day_of(std::string_view word) {
  for (std::size_t i = 0; i < kDays.size(); ++i) {
    if (word == kDays.at(i)) return i;
  }
  return std::nullopt;
}

// "mon", or "fri-mon", which goes over the week's end.
std::optional<unsigned> days_of_range(std::string_view word) {
  const auto dash = word.find('-');
  const auto first = day_of(word.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : day_of(word.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  unsigned days = 0;
  for (std::size_t day = *first;; day = (day + 1) % kDays.size()) {
    days |= 1U << day;
    if (day == *last) return days;
  }
}

// What is between `separator`s, none of it empty.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

std::optional<unsigned> days_of(std::string_view text) {
  if (text == "daily") return kEveryDay;
  unsigned days = 0;
  for (const auto part : parts_of(text, ',')) {
    const auto some = days_of_range(part);
    if (!some) return std::nullopt;
    days |= *some;
  }
  return days == 0 ? std::nullopt : std::optional(days);
}

constexpr std::uint64_t kMinutesOfDay = std::uint64_t{24} * 60;

// "8:00" in minutes of the day; "24:00" is 0, the next day's begin.
std::optional<std::uint64_t> minute_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto hours = config::parse_number(text.substr(0, colon), 0, 24);
  const auto minutes = config::parse_number(text.substr(colon + 1), 0, 59);
  if (!hours || !minutes || (*hours == 24 && *minutes != 0)) return std::nullopt;
  return (*hours * 60 + *minutes) % kMinutesOfDay;
}

}  // namespace

Result<nlohmann::json> warm_window_of(const std::string& text) {
  const auto wrong = [&](const std::string& what) {
    return fail(Errc::invalid_argument, "\"" + text + "\" is no time of the week: " + what +
                                            "; write it as in \"mon-fri 8:00-20:00 16\"");
  };
  const auto words = parts_of(text, ' ');
  if (words.size() != 3) return wrong("it has three parts, days, hours and executors");
  const std::string_view span = words[1];
  const std::string_view number = words[2];
  const auto days = days_of(words[0]);
  if (!days) return wrong("\"" + std::string(words[0]) + "\" names no days");
  const auto dash = span.find('-');
  const auto from = minute_of(span.substr(0, dash));
  const auto to = minute_of(dash == std::string_view::npos ? "" : span.substr(dash + 1));
  if (!from || !to) return wrong("\"" + std::string(span) + "\" is not from one hour to another");
  const auto ready = config::parse_number(number, 1, 1'000'000);
  if (!ready) return wrong("\"" + std::string(number) + "\" is no number of executors");
  return nlohmann::json{
      {"days", *days}, {"from_minute", *from}, {"to_minute", *to}, {"ready", *ready}};
}

}  // namespace kiln::client
