#include "client/cli/styled_text.h"

#include <cstdint>

#include "client/cli/table.h"

namespace kiln::client {
namespace {

const char* sequence_of(Look look) {
  switch (look) {
    case Look::plain:
      return "";
    case Look::title:
      return "\x1b[7m";
    case Look::strong:
      return "\x1b[1m";
    case Look::quiet:
      return "\x1b[2m";
    case Look::good:
      return "\x1b[32m";
    case Look::warning:
      return "\x1b[33m";
    case Look::bad:
      return "\x1b[31m";
  }
  return "";
}

}  // namespace

std::string plain_text(const StyledLine& line) {
  std::string text;
  for (const Piece& piece : line) text += piece.text;
  return text;
}

std::size_t display_width(const StyledLine& line) {
  return display_width(plain_text(line));
}

StyledLine fit(const StyledLine& line, std::size_t width) {
  std::size_t left = display_width(line) > width ? width : SIZE_MAX;
  StyledLine result;
  for (const Piece& piece : line) {
    const std::size_t wide = display_width(piece.text);
    // The piece that fills the line is not its last, and so is cut too.
    const bool is_last = wide >= left;
    result.push_back(
        {fit(is_last && wide == left ? piece.text + " " : piece.text, left), piece.look});
    if (is_last) break;
    left -= wide;
  }
  return result;
}

StyledLine laid_out(const StyledLine& line, const std::string& cell) {
  const std::string text = plain_text(line);
  const auto begin = text.empty() ? std::string::npos : cell.find(text);
  if (begin == std::string::npos) return {{cell, line.empty() ? Look::plain : line.front().look}};
  StyledLine result;
  if (begin > 0) result.push_back({cell.substr(0, begin)});
  append(result, line);
  if (begin + text.size() < cell.size()) result.push_back({cell.substr(begin + text.size())});
  return result;
}

std::string terminal_text(const StyledLine& line, bool colour) {
  if (!colour) return plain_text(line);
  std::string text;
  for (const Piece& piece : line) {
    const std::string sequence = sequence_of(piece.look);
    text += sequence + piece.text + (sequence.empty() ? "" : "\x1b[0m");
  }
  return text;
}

void append(StyledLine& line, const StyledLine& more) {
  line.insert(line.end(), more.begin(), more.end());
}

}  // namespace kiln::client
