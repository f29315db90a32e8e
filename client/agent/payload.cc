#include "client/agent/payload.h"

#include <unordered_map>
#include <utility>

#include "common/base/files.h"
#include "common/transfer/inline_blob.h"

namespace kiln::client {
namespace {

// All that one message carries inline, before compression.
constexpr std::uint64_t kRunBudgetBytes = 4 << 20;
constexpr std::uint64_t kSupplyBudgetBytes = 16 << 20;
// Frames of one message, far below what a receiver takes.
constexpr std::size_t kSupplyBlobs = 4096;
constexpr std::size_t kRunBlobs = 4096;

void pack(Parcel& parcel, const Digest& digest, std::string content) {
  const std::uint64_t size = content.size();
  auto frame = transfer::encode_frame(std::move(content));
  parcel.blobs.push_back(transfer::describe_blob(digest, size, frame));
  parcel.raw.push_back(std::move(frame.bytes));
}

// The content of an input, if it still is what was listed.
Result<std::string> read_input(const InputFile& file) {
  KILN_TRY_ASSIGN(auto content, read_file(file.path));
  if (digest_of(content) != file.digest)
    return fail(Errc::corrupt, file.path + " changed while it was being compiled");
  return content;
}

}  // namespace

std::uint64_t bytes_of(const wire::Frames& frames) {
  std::uint64_t total = 0;
  for (const auto& frame : frames) total += frame.size();
  return total;
}

Parcel parcel_for_run(const PreparedUnit& unit, const std::function<bool(const Digest&)>& known,
                      bool with_toolchain) {
  Parcel parcel;
  std::uint64_t used = 0;
  const auto add_listings = [&](const auto& listings) {
    for (const auto& [digest, bytes] : listings) {
      if (known(digest) || used + bytes.size() > kRunBudgetBytes) continue;
      if (parcel.blobs.size() >= kRunBlobs) return;
      used += bytes.size();
      pack(parcel, digest, bytes);
    }
  };
  add_listings(unit.inputs->listings);
  if (with_toolchain) add_listings(unit.toolchain->listings);
  for (const auto& file : unit.inputs->files) {
    if (file.size > kInlineFileBytes || used + file.size > kRunBudgetBytes || known(file.digest))
      continue;
    if (parcel.blobs.size() >= kRunBlobs) break;
    if (auto content = read_input(file)) {
      used += file.size;
      pack(parcel, file.digest, std::move(*content));
    }
  }
  return parcel;
}

Delivery deliver(const PreparedUnit& unit, const std::vector<Digest>& wanted) {
  std::unordered_map<Digest, const InputFile*> files;
  std::unordered_map<Digest, const std::string*> listings;
  for (const auto* tree : {&unit.inputs->files, &unit.toolchain->files}) {
    for (const auto& file : *tree) files.emplace(file.digest, &file);
  }
  for (const auto* tree : {&unit.inputs->listings, &unit.toolchain->listings}) {
    for (const auto& [digest, bytes] : *tree) listings.emplace(digest, &bytes);
  }
  Delivery delivery;
  std::uint64_t used = 0;
  for (const auto& digest : wanted) {
    if (used > kSupplyBudgetBytes || delivery.parcel.blobs.size() >= kSupplyBlobs) {
      delivery.rest.push_back(digest);
      continue;
    }
    if (const auto listing = listings.find(digest); listing != listings.end()) {
      used += listing->second->size();
      pack(delivery.parcel, digest, *listing->second);
      continue;
    }
    const auto file = files.find(digest);
    if (file == files.end()) {
      delivery.missing.push_back(digest);
    } else if (file->second->size > kInlineFileBytes) {
      delivery.uploads.push_back(*file->second);
    } else if (auto content = read_input(*file->second)) {
      used += file->second->size;
      pack(delivery.parcel, digest, std::move(*content));
    } else {
      delivery.missing.push_back(digest);
    }
  }
  return delivery;
}

}  // namespace kiln::client
