#include "coordinator/dashboard/fragments.h"

#include <set>

#include "coordinator/dashboard/json_object.h"

namespace kiln::coordinator {
void Fragments::put(const std::string& key, std::string text) {
  auto& fragment = fragments_[key];
  fragment.seen = look_;
  if (fragment.changed != 0 && fragment.text == text) return;
  fragment.text = std::move(text);
  fragment.changed = look_;
}

void Fragments::end() {
  for (auto entry = fragments_.begin(); entry != fragments_.end();) {
    if (entry->second.seen == look_) {
      ++entry;
      continue;
    }
    gone_.emplace_back(look_, entry->first);
    entry = fragments_.erase(entry);
  }
  while (gone_.size() > kept_) {
    forgotten_ = gone_.front().first;
    gone_.pop_front();
  }
}

std::string Fragments::changed(std::uint64_t look) const {
  std::string list;
  for (const auto& entry : fragments_) {
    if (entry.second.changed > look) add_item(list, entry.second.text);
  }
  return list;
}

std::string Fragments::gone(std::uint64_t look) const {
  std::set<std::string> keys;
  for (const auto& [when, key] : gone_) {
    if (when > look && !fragments_.contains(key)) keys.insert(key);
  }
  std::string list;
  for (const auto& key : keys) add_item(list, key);
  return list;
}

}  // namespace kiln::coordinator
