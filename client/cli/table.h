// Text tables for terminals: columns as wide as their content, lines never wider than the limit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::client {

enum class Align { left, right };

// Between two columns.
inline constexpr std::size_t kColumnGap = 2;

struct Column {
  std::string title;
  Align align = Align::left;
  // Columns that may be cut, with "…", when the lines are too wide; others keep their width.
  bool shrinks = false;
  // It is so wide at least: where cells change it keeps the others in their places.
  std::size_t least = 0;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell for each column.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  // Title line and rows, each with a newline, two spaces between columns, none at the end.
  std::string text(std::size_t width) const;
  // The same as cells, each as wide as its column: titles first, then each row.
  std::vector<std::vector<std::string>> cells(std::size_t width) const;

 private:
  std::vector<std::size_t> widths(std::size_t limit) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Characters of UTF-8 text: what it takes on a terminal, wide characters aside.
std::size_t display_width(std::string_view text);

// `text` in at most `width` characters, cut with "…"; control characters become '?', so that a
// file's name cannot steer the terminal.
std::string fit(std::string_view text, std::size_t width);

// `text` broken at spaces into lines of at most `width`, each after `indent` spaces but the first.
std::string wrap(std::string_view text, std::size_t indent, std::size_t width);

// Lines of `text`, each after `indent` spaces and broken where it is too long for `width`, with a
// newline behind it. Tabs become spaces and control characters '?'.
std::string block(std::string_view text, std::size_t indent, std::size_t width);

// A word for a shell: in quotes where it needs them, those of bash where it has control characters.
std::string for_shell(const std::string& word);

}  // namespace kiln::client
