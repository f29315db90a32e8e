// Text with looks, which a terminal shows by colours: they are put on last, as they take no room,
// and what a look says is in the characters too.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kiln::client {

enum class Look { plain, title, strong, quiet, good, warning, bad };

struct Piece {
  std::string text;
  Look look = Look::plain;
  friend bool operator==(const Piece&, const Piece&) = default;
};
using StyledLine = std::vector<Piece>;

std::string plain_text(const StyledLine& line);
std::size_t display_width(const StyledLine& line);

// In at most `width` characters, cut with "…".
StyledLine fit(const StyledLine& line, std::size_t width);

// `line` laid out as `cell`: the same text with spaces around it, or cut.
StyledLine laid_out(const StyledLine& line, const std::string& cell);

// What is sent to a terminal: with colours, or the text alone.
std::string terminal_text(const StyledLine& line, bool colour);

void append(StyledLine& line, const StyledLine& more);

}  // namespace kiln::client
