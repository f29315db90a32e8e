#include "client/cli/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

namespace kiln::client {
namespace {

constexpr std::size_t kLeastShrunk = 8;
constexpr std::string_view kCut = "…";

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

bool is_control(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value < 0x20 || value == 0x7F;
}

// The first `width` characters.
std::string start_of(std::string_view text, std::size_t width) {
  std::size_t used = 0;
  std::size_t bytes = 0;
  for (; bytes < text.size(); ++bytes) {
    if (!continues_character(text[bytes]) && ++used > width) break;
  }
  return std::string(text.substr(0, bytes));
}

// Without what could steer a terminal, C1 controls in UTF-8 too; lines of CR LF end as others do.
std::string visible(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::string result;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool is_c1 = line[i] == '\xC2' && i + 1 < line.size() && (line[i + 1] & 0xE0) == 0x80;
    if (is_c1) ++i;
    if (line[i] == '\t') {
      result += "    ";
    } else {
      result += is_c1 || is_control(line[i]) ? '?' : line[i];
    }
  }
  return result;
}

std::string padded(const std::string& text, std::size_t width, Align align) {
  const std::string space(width - std::min(width, display_width(text)), ' ');
  return align == Align::right ? space + text : text + space;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

std::string fit(std::string_view text, std::size_t width) {
  const bool cut = display_width(text) > width;
  const std::size_t room = cut && width > 0 ? width - 1 : width;
  std::string result;
  std::size_t used = 0;
  for (const char byte : text) {
    if (!continues_character(byte) && ++used > room) break;
    result += is_control(byte) ? '?' : byte;
  }
  if (cut && width > 0) result += kCut;
  return result;
}

std::string wrap(std::string_view text, std::size_t indent, std::size_t width) {
  const std::size_t room = width > indent + kLeastShrunk ? width - indent : kLeastShrunk;
  std::string result;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) continue;
    const std::string shown = fit(word, display_width(word));
    if (used > 0 && used + 1 + display_width(word) > room) {
      result += "\n" + std::string(indent, ' ');
      used = 0;
    }
    if (used > 0) {
      result += ' ';
      ++used;
    }
    result += shown;
    used += display_width(word);
  }
  return result;
}

std::string block(std::string_view text, std::size_t indent, std::size_t width) {
  const std::size_t room = std::max(kLeastShrunk, width - std::min(width, indent));
  std::string result;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    std::string row = visible(one);
    do {
      const std::string head = start_of(row, room);
      row.erase(0, head.size());
      result += std::string(indent, ' ') + head + "\n";
    } while (!row.empty());
  }
  return result;
}

std::string for_shell(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=@%+";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  const bool escapes = std::any_of(word.begin(), word.end(), is_control);
  std::string text = escapes ? "$'" : "'";
  for (const char c : word) {
    if (escapes && (is_control(c) || c == '\'' || c == '\\')) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\x%02x", static_cast<unsigned>(c));
      text += code.data();
    } else if (c == '\'') {
      text += "'\\''";
    } else {
      text += c;
    }
  }
  return text + "'";
}

std::vector<std::size_t> Table::widths(std::size_t limit) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = std::max(display_width(columns_[i].title), columns_[i].least);
    for (const auto& row : rows_) width = std::max(width, display_width(row[i]));
    widths.push_back(width);
  }
  std::size_t total =
      std::accumulate(widths.begin(), widths.end(), kColumnGap * (widths.size() - 1));
  // The widest of those that may shrink gives way, one character at a time.
  while (total > limit) {
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool can = columns_[i].shrinks && widths[i] > kLeastShrunk;
      if (can && (widest == columns_.size() || widths[i] > widths[widest])) widest = i;
    }
    if (widest == columns_.size()) break;
    --widths[widest];
    --total;
  }
  return widths;
}

std::vector<std::vector<std::string>> Table::cells(std::size_t width) const {
  const std::vector<std::size_t> each = widths(width);
  std::vector<std::vector<std::string>> result;
  const auto add_row = [&](auto&& cell) {
    std::vector<std::string> row;
    for (std::size_t i = 0; i < columns_.size(); ++i)
      row.push_back(padded(fit(cell(i), each[i]), each[i], columns_[i].align));
    result.push_back(std::move(row));
  };
  add_row([&](std::size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_) {
    add_row([&](std::size_t i) -> const std::string& { return row[i]; });
  }
  return result;
}

std::string Table::text(std::size_t width) const {
  std::string result;
  for (const auto& row : cells(width)) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line.append(kColumnGap, ' ');
      line += row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += fit(line, width) + "\n";
  }
  return result;
}

}  // namespace kiln::client
