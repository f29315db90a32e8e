#include "client/cli/top_view.h"

#include <algorithm>
#include <limits>
#include <string_view>

namespace kiln::client {
namespace {

constexpr char kEscape = '\x1b';

struct Letter {
  char byte;
  TopKey key;
};
constexpr std::array<Letter, 17> kLetters = {{{'q', TopKey::leave},
                                              {'Q', TopKey::leave},
                                              {'\x03', TopKey::leave},
                                              {'\x1a', TopKey::suspend},
                                              {'n', TopKey::nodes},
                                              {'p', TopKey::pools},
                                              {'b', TopKey::builds},
                                              {'t', TopKey::tasks},
                                              {'s', TopKey::sort},
                                              {'?', TopKey::help},
                                              {'h', TopKey::help},
                                              {'k', TopKey::up},
                                              {'j', TopKey::down},
                                              {'\x02', TopKey::page_up},
                                              {'\x06', TopKey::page_down},
                                              {'g', TopKey::first},
                                              {'G', TopKey::last}}};

struct Sequence {
  std::string_view end;  // behind ESC and [ or O
  TopKey key;
};
constexpr std::array<Sequence, 10> kSequences = {{{"A", TopKey::up},
                                                  {"B", TopKey::down},
                                                  {"5~", TopKey::page_up},
                                                  {"6~", TopKey::page_down},
                                                  {"H", TopKey::first},
                                                  {"F", TopKey::last},
                                                  {"1~", TopKey::first},
                                                  {"4~", TopKey::last},
                                                  {"7~", TopKey::first},
                                                  {"8~", TopKey::last}}};

// Of the escape sequence at the front; 0: its end is not there yet.
std::size_t sequence_length(std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  if (bytes[1] != '[' && bytes[1] != 'O') return 1;
  for (std::size_t i = 2; i < bytes.size(); ++i) {
    if (bytes[i] >= '@' && bytes[i] <= '~') return i + 1;
  }
  return 0;
}

std::optional<TopKey> key_of(std::string_view bytes) {
  if (bytes.size() == 1) {
    const auto* found = std::find_if(kLetters.begin(), kLetters.end(),
                                     [&](const Letter& one) { return one.byte == bytes[0]; });
    return found == kLetters.end() ? std::nullopt : std::optional(found->key);
  }
  const auto* found = std::find_if(kSequences.begin(), kSequences.end(),
                                   [&](const Sequence& one) { return one.end == bytes.substr(2); });
  return found == kSequences.end() ? std::nullopt : std::optional(found->key);
}

void toggle(TopView& view, TopTable table) {
  view.alone = view.alone == table ? std::nullopt : std::optional(table);
  view.first_row = 0;
  view.helps = false;
}

std::size_t less(std::size_t from, std::size_t by) {
  return from - std::min(from, by);
}

}  // namespace

TopTable table_in_view(const TopView& view) {
  return view.alone.value_or(TopTable::tasks);
}

TopView step(TopView view, TopKey key) {
  const std::size_t page = std::max<std::size_t>(view.page_rows, 1);
  switch (key) {
    case TopKey::leave:
      view.leaves = true;
      break;
    case TopKey::suspend:
      break;
    case TopKey::nodes:
      toggle(view, TopTable::nodes);
      break;
    case TopKey::pools:
      toggle(view, TopTable::pools);
      break;
    case TopKey::builds:
      toggle(view, TopTable::builds);
      break;
    case TopKey::tasks:
      toggle(view, TopTable::tasks);
      break;
    case TopKey::sort:
      ++view.order.at(static_cast<std::size_t>(table_in_view(view)));
      break;
    case TopKey::help:
      view.helps = !view.helps;
      break;
    case TopKey::up:
      view.first_row = less(view.first_row, 1);
      break;
    case TopKey::down:
      ++view.first_row;
      break;
    case TopKey::page_up:
      view.first_row = less(view.first_row, page);
      break;
    case TopKey::page_down:
      view.first_row += page;
      break;
    case TopKey::first:
      view.first_row = 0;
      break;
    case TopKey::last:
      // The page knows how many there are.
      view.first_row = std::numeric_limits<std::size_t>::max() / 2;
      break;
  }
  return view;
}

std::vector<TopKey> take_keys(std::string& bytes) {
  std::vector<TopKey> keys;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::string_view rest = std::string_view(bytes).substr(at);
    const std::size_t length = rest.front() == kEscape ? sequence_length(rest) : 1;
    if (length == 0) break;
    if (const auto key = key_of(rest.substr(0, length))) keys.push_back(*key);
    at += length;
  }
  bytes.erase(0, at);
  return keys;
}

}  // namespace kiln::client
