#include "client/toolchain/toolchain_record.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "client/paths/program.h"

namespace kiln::client {
namespace {

using Json = nlohmann::json;

// Raised when what is packaged, or how it is written here, changes.
constexpr int kFormat = 2;

Json binary(std::string_view bytes) {
  return Json::binary(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
}

std::string text_of(const Json& value) {
  const auto& bytes = value.get_binary();
  return {bytes.begin(), bytes.end()};
}

Json write_toolchain(const Toolchain& toolchain) {
  Json listings = Json::array();
  for (const auto& [digest, bytes] : toolchain.listings) {
    listings.push_back({digest.hex(), binary(bytes)});
  }
  Json files = Json::array();
  for (const auto& file : toolchain.files) {
    files.push_back({file.digest.hex(), binary(file.path), file.size});
  }
  Json family = nullptr;
  if (toolchain.family) family = static_cast<int>(*toolchain.family);
  return {{"root", toolchain.root.hex()},
          {"family", family},
          {"version", binary(toolchain.version)},
          {"target", toolchain.target},
          {"architecture", toolchain.architecture},
          {"program", binary(toolchain.program)},
          {"listings", listings},
          {"files", files},
          {"file_count", toolchain.file_count},
          {"size_bytes", toolchain.size_bytes}};
}

// May throw: the caller catches. Digests that are no digests come out empty, and are then refused.
Digest digest_from(const Json& value) {
  return parse_digest(value.get<std::string>()).value_or(Digest{});
}

Toolchain read_toolchain(const Json& json) {
  Toolchain toolchain;
  toolchain.root = digest_from(json.at("root"));
  if (const auto& family = json.at("family"); !family.is_null()) {
    toolchain.family = family.get<int>() == 0 ? CompilerFamily::gcc : CompilerFamily::clang;
  }
  toolchain.version = text_of(json.at("version"));
  toolchain.target = json.at("target").get<std::string>();
  toolchain.architecture = json.at("architecture").get<std::string>();
  toolchain.program = text_of(json.at("program"));
  for (const auto& listing : json.at("listings")) {
    toolchain.listings.emplace_back(digest_from(listing.at(0)), text_of(listing.at(1)));
  }
  for (const auto& file : json.at("files")) {
    toolchain.files.push_back(
        {digest_from(file.at(0)), text_of(file.at(1)), file.at(2).get<std::uint64_t>()});
  }
  toolchain.file_count = json.at("file_count").get<std::uint64_t>();
  toolchain.size_bytes = json.at("size_bytes").get<std::uint64_t>();
  return toolchain;
}

ToolchainRecord read_record(const Json& json) {
  ToolchainRecord record;
  record.answer.program = text_of(json.at("program"));
  record.answer.reason = json.at("reason").get<std::string>();
  record.answer.explanation = text_of(json.at("explanation"));
  if (const auto& toolchain = json.at("toolchain"); !toolchain.is_null()) {
    record.answer.toolchain = std::make_shared<const Toolchain>(read_toolchain(toolchain));
  }
  for (const auto& item : json.at("watched")) {
    record.watched.push_back({text_of(item.at(0)),
                              {item.at(1).get<std::int64_t>(), item.at(2).get<std::int64_t>(),
                               item.at(3).get<std::uint64_t>(), item.at(4).get<std::uint64_t>()}});
  }
  for (const auto& item : json.at("lookups")) {
    record.lookups.push_back({text_of(item.at(0)), text_of(item.at(1))});
  }
  return record;
}

bool is_sound(const Toolchain& toolchain) {
  const auto is_itself = [](const auto& listing) {
    return digest_of(listing.second) == listing.first;
  };
  const bool digests_hold =
      std::all_of(toolchain.listings.begin(), toolchain.listings.end(), is_itself) &&
      std::none_of(toolchain.files.begin(), toolchain.files.end(),
                   [](const InputFile& file) { return file.digest.empty(); });
  return digests_hold && !toolchain.listings.empty() &&
         toolchain.listings.back().first == toolchain.root;
}

}  // namespace

FileStamp stamp_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  const auto nanoseconds = [](const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  return {nanoseconds(info.st_mtim), nanoseconds(info.st_ctim),
          static_cast<std::uint64_t>(info.st_size), info.st_ino};
}

bool still_holds(const ToolchainRecord& record, const ToolchainQuery& query) {
  const auto is_unchanged = [](const WatchedPath& watched) {
    return stamp_of(watched.path) == watched.stamp;
  };
  const auto is_still_found = [&query](const HelperLookup& lookup) {
    const auto found = find_program(lookup.name, query.cwd, query.environment, query.self);
    return (found ? found->path : "") == lookup.path;
  };
  return std::all_of(record.watched.begin(), record.watched.end(), is_unchanged) &&
         std::all_of(record.lookups.begin(), record.lookups.end(), is_still_found);
}

std::string encode_record(const ToolchainRecord& record) {
  Json watched = Json::array();
  for (const auto& [path, stamp] : record.watched) {
    watched.push_back({binary(path), stamp.mtime_ns, stamp.ctime_ns, stamp.size, stamp.inode});
  }
  Json lookups = Json::array();
  for (const auto& lookup : record.lookups) {
    lookups.push_back({binary(lookup.name), binary(lookup.path)});
  }
  const Json json = {
      {"format", kFormat},
      {"program", binary(record.answer.program)},
      {"reason", record.answer.reason},
      {"explanation", binary(record.answer.explanation)},
      {"toolchain", record.answer.toolchain ? write_toolchain(*record.answer.toolchain) : Json()},
      {"watched", watched},
      {"lookups", lookups}};
  const auto bytes = Json::to_cbor(json);
  return {bytes.begin(), bytes.end()};
}

Result<ToolchainRecord> decode_record(std::string_view bytes) {
  try {
    const Json json = Json::from_cbor(bytes.begin(), bytes.end());
    if (json.at("format").get<int>() != kFormat) {
      return fail(Errc::version_mismatch, "the toolchain record has another format");
    }
    ToolchainRecord record = read_record(json);
    const bool is_whole = !record.answer.toolchain || is_sound(*record.answer.toolchain);
    if (is_whole) return record;
  } catch (const Json::exception& error) {
    return fail(Errc::corrupt, std::string("the toolchain record is damaged: ") + error.what());
  }
  return fail(Errc::corrupt, "the toolchain record's digests do not match its listings");
}

}  // namespace kiln::client
