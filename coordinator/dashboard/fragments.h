// Pieces of an answer by key, and since which look each is as it is: who asks again gets only what
// changed meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

namespace kiln::coordinator {

class Fragments {
 public:
  // `kept`: how many keys that went are remembered.
  explicit Fragments(std::size_t kept = 4096) : kept_(kept) {}

  // All that there is now, one by one between `begin` and `end`: what is not put is gone.
  void begin(std::uint64_t look) { look_ = look; }
  // `key` and `text` are JSON.
  void put(const std::string& key, std::string text);
  void end();

  // Whether `changed` and `gone` can tell all that happened since that look.
  bool remembers(std::uint64_t look) const { return look >= forgotten_; }
  // What changed after that look, separated by commas; of 0: everything.
  std::string changed(std::uint64_t look) const;
  // The keys that went after it, likewise, unless they came back.
  std::string gone(std::uint64_t look) const;

 private:
  struct Fragment {
    std::string text;
    std::uint64_t changed = 0;
    std::uint64_t seen = 0;
  };
  std::size_t kept_;
  std::uint64_t look_ = 0;
  std::uint64_t forgotten_ = 0;  // the last look of whose departures some are not remembered
  std::map<std::string, Fragment> fragments_;
  std::deque<std::pair<std::uint64_t, std::string>> gone_;
};

}  // namespace kiln::coordinator
