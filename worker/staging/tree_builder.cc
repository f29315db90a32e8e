#include "worker/staging/tree_builder.h"

#include <cerrno>

#include <unistd.h>

#include "worker/staging/tree_walk.h"

namespace kiln::worker {

Status TreeBuilder::fill(const Directory& directory, int fd, std::size_t depth) {
  if (depth > kMaxDepth) return fail(too_deep());
  entries_ += directory.entries.size();
  if (entries_ > entry_limit_) return fail(too_many_entries(entry_limit_));
  const auto length = path_.size();
  for (const auto& entry : directory.entries) {
    path_ += '/' + entry.name;
    auto status = add(entry, fd, depth);
    if (!status) return fail(status.error().within("staging " + path_));
    path_.resize(length);
  }
  return {};
}

Status TreeBuilder::add(const TreeEntry& entry, int parent, std::size_t depth) {
  switch (entry.kind) {
    case EntryKind::file:
      bytes_ += entry.size;
      return instances_.link(entry, path_, scope_, parent, uses_);
    case EntryKind::symlink:
      if (::symlinkat(entry.target.c_str(), parent, entry.name.c_str()) == 0) return {};
      return fail_errno("symlink to '" + entry.target + "'", errno);
    case EntryKind::directory: {
      KILN_TRY_ASSIGN(const auto listing, listings_.read(entry.digest));
      KILN_TRY_ASSIGN(const auto fd, directories_.make(parent, entry.name));
      return fill(*listing, fd.get(), depth + 1);
    }
  }
  return fail(Errc::corrupt, "an entry of unknown kind");
}

}  // namespace kiln::worker
