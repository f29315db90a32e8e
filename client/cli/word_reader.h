// Reads a command's words one after the other: options with values, in both spellings, and the
// rest.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace kiln::client {

class WordReader {
 public:
  // `command` is what errors begin with: "kiln pool create". Reads from the word at `first`.
  WordReader(std::string command, const std::vector<std::string>& words, std::size_t first)
      : command_(std::move(command)), words_(words), at_(first) {}

  bool done() const { return at_ >= words_.size(); }
  // The next word as an option's name ("--idle", also of "--idle=10m"); empty: it is no option.
  std::string option() const;
  // The next word, whatever it is.
  std::string take() { return words_[at_++]; }
  // Takes the option and gives its value. Errc::invalid_argument when there is none.
  Result<std::string> value();
  // Errc::invalid_argument: "kiln pool create: …".
  Error wrong(const std::string& what) const;
  // Of an option that is not known, with the nearest of `known`.
  Error unknown(const std::vector<std::string>& known) const;

 private:
  std::string command_;
  const std::vector<std::string>& words_;
  std::size_t at_;
};

// Whether --help or -h is among them.
bool asks_for_help(const std::vector<std::string>& words);

}  // namespace kiln::client
