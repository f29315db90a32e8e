#include "worker/staging/tree_walk.h"

#include <string>
#include <utility>

namespace kiln::worker {

Error too_deep() {
  return Error{Errc::invalid_argument, "a tree is deeper than " + std::to_string(kMaxDepth) +
                                           " directories, which no task may have"};
}

Error too_many_entries(std::size_t limit) {
  return Error{Errc::invalid_argument, "a tree has more than " + std::to_string(limit) +
                                           " entries, which no task may have"};
}

Status TreeWalk::add_tree(const Digest& root) {
  return visit(root, 0);
}

Status TreeWalk::add(const Directory& directory) {
  return descend(directory, 0);
}

Status TreeWalk::visit(const Digest& listing, std::size_t depth) {
  if (!seen_.insert(listing).second) return {};
  const auto directory = listings_.read(listing);
  if (directory) {
    look_up(listing);
    return descend(**directory, depth);
  }
  if (directory.error().code != Errc::not_found) return fail(directory.error());
  missing_.push_back(listing);
  return {};
}

Status TreeWalk::descend(const Directory& directory, std::size_t depth) {
  if (depth > kMaxDepth) return fail(too_deep());
  entries_ += directory.entries.size();
  if (entries_ > limits_.entries) return fail(too_many_entries(limits_.entries));
  for (const auto& entry : directory.entries) {
    const bool is_new_file = entry.kind == EntryKind::file && seen_.insert(entry.digest).second;
    if (is_new_file) KILN_TRY(count(entry));
    if (is_new_file && !look_up(entry.digest)) missing_.push_back(entry.digest);
    if (entry.kind == EntryKind::directory) KILN_TRY(visit(entry.digest, depth + 1));
  }
  return {};
}

Status TreeWalk::count(const TreeEntry& file) {
  if (file.size > limits_.bytes - bytes_) {
    return fail(Errc::invalid_argument,
                "the files of a tree are larger than the " + std::to_string(limits_.bytes) +
                    " bytes that the worker's store has for them; raise its --store-limit");
  }
  bytes_ += file.size;
  return {};
}

bool TreeWalk::look_up(const Digest& digest) {
  auto pin = store_.pin(digest);
  const bool there = pin.has_value();
  if (there && mode_ == Found::pin) pins_.push_back(std::move(*pin));
  return there;
}

}  // namespace kiln::worker
