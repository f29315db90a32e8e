// Opening and closing a blob store: what is on disk becomes the index, and back.
#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include <unistd.h>

#include "common/base/files.h"
#include "common/store/blob_store.h"

namespace kiln::store {
namespace {

namespace fs = std::filesystem;
using Sizes = std::unordered_map<Digest, std::uint64_t>;

// Different after every start of the machine.
std::string boot_id() {
  auto id = read_file("/proc/sys/kernel/random/boot_id").value_or("unknown");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

// The blobs below `blobs`; files of other names are not ours to touch.
Result<Sizes> scan(const fs::path& blobs) {
  Sizes sizes;
  std::error_code code;
  for (fs::recursive_directory_iterator at(blobs, code);
       !code && at != fs::recursive_directory_iterator(); at.increment(code)) {
    const auto digest = parse_digest(at->path().filename().string());
    if (!digest || !at->is_regular_file(code)) continue;
    sizes.emplace(*digest, at->file_size(code));
  }
  if (code) return fail_errno("cannot list " + blobs.string(), code.value());
  return sizes;
}

}  // namespace

Status BlobStore::load() {
  const auto temporary = options_.directory / "tmp";
  std::error_code code;
  fs::remove_all(temporary, code);
  if (code) return fail_errno("cannot empty " + temporary.string(), code.value());
  KILN_TRY(make_directories(temporary));
  KILN_TRY_ASSIGN(const auto order, take_clean_marker());
  KILN_TRY(make_directories(options_.directory / "blobs"));
  KILN_TRY_ASSIGN(auto sizes, scan(options_.directory / "blobs"));
  std::vector<std::pair<Digest, std::uint64_t>> recent;
  for (const auto& digest : order) {
    if (auto node = sizes.extract(digest)) recent.emplace_back(node.key(), node.mapped());
  }
  for (const auto& [digest, size] : sizes) index_.insert(digest, size, false);
  for (const auto& [digest, size] : recent) index_.insert(digest, size, clean_start_);
  return claim(0);  // the limit may have been lowered
}

Result<std::vector<Digest>> BlobStore::take_clean_marker() {
  const auto path = options_.directory / "clean";
  std::vector<Digest> order;
  const auto content = read_file(path);
  if (!content && content.error().code == Errc::not_found) return order;
  if (!content) return fail(content.error());
  if (::unlink(path.c_str()) != 0) return fail_errno("cannot remove " + path.string(), errno);
  std::string_view rest = *content;
  const auto next_line = [&rest] {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    return line;
  };
  clean_start_ = next_line() == boot_id();
  while (!rest.empty()) {
    if (const auto digest = parse_digest(next_line())) order.push_back(*digest);
  }
  return order;
}

Status BlobStore::write_clean_marker() const {
  std::string content = boot_id() + '\n';
  const std::lock_guard lock(mutex_);
  // A blob not yet hashed since an unclean start is not vouched for by this close either.
  for (const auto& digest : index_.by_age()) {
    if (index_.find(digest)->verified) content += digest.hex() + '\n';
  }
  return write_file_atomically(options_.directory / "clean", content, 0644);
}

}  // namespace kiln::store
