#include "client/toolchain/toolchain_cache.h"

#include <atomic>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "client/paths/program.h"
#include "client/toolchain/ask.h"
#include "client/toolchain/compiler.h"
#include "client/toolchain/package.h"
#include "client/toolchain/toolchain_record.h"
#include "common/base/files.h"

namespace kiln::client {
namespace {

using RecordPtr = std::shared_ptr<const ToolchainRecord>;

// Names a query: equal keys have equal answers while the files stay as they are.
Digest key_of(const std::string& program, const ToolchainQuery& query) {
  DigestBuilder builder;
  const auto add = [&builder](std::string_view part) {
    builder.add(as_byte_span(part));
    builder.add(as_byte_span(std::string_view("\0", 1)));
  };
  add(program);
  add(query.is_compiler ? "compiler" : "program");
  add(query.charsets ? "charsets" : "");
  for (const auto& [name, value] : relevant_environment(query.environment)) {
    add(name);
    add(value);
  }
  return builder.finish();
}

void watch(ToolchainRecord& record, const std::string& path) {
  record.watched.push_back({path, stamp_of(path)});
}

ToolchainAnswer only_local(std::string program, std::string reason, std::string explanation) {
  return {std::move(program), nullptr, std::move(reason), std::move(explanation)};
}

std::string encode_verdict(const Verdict& verdict) {
  return (verdict.state == ProbeState::ok ? "ok\n" : "refused\n") + verdict.reason;
}

Verdict decode_verdict(std::string_view text) {
  const auto end = text.find('\n');
  if (text.substr(0, end) == "ok") return {ProbeState::ok, ""};
  if (text.substr(0, end) != "refused" || end == text.npos) return {};
  return {ProbeState::refused, std::string(text.substr(end + 1))};
}

}  // namespace

class ToolchainCache::Impl {
  struct Known {
    RecordPtr record;
    TimePoint looked_at;  // when all that it depends on was found unchanged
  };

 public:
  Impl(std::filesystem::path directory, const FileSystem& files, FileDigestCache& digests, Now now)
      : directory_(std::move(directory)), files_(files), digests_(digests), now_(std::move(now)) {}

  Result<ToolchainAnswer> find(ToolchainQuery query) {
    KILN_TRY_ASSIGN(const FoundProgram found,
                    find_program(query.command, query.cwd, query.environment, query.self));
    query.command = found.path;
    const Digest key = key_of(found.path, query);
    if (const RecordPtr known = remembered(key, query)) return known->answer;
    // One at a time: the first jobs of a build all ask for the same compiler.
    const std::scoped_lock slow(slow_mutex_);
    if (const RecordPtr known = remembered(key, query)) return known->answer;
    if (const RecordPtr stored = load(key, query)) return remember(key, stored)->answer;
    ++packaged_;
    KILN_TRY_ASSIGN(ToolchainRecord record, package(query));
    record.made = now_();
    const auto fresh = std::make_shared<const ToolchainRecord>(std::move(record));
    store(key, *fresh);
    return remember(key, fresh)->answer;
  }

  Verdict verdict(const Digest& root) {
    const std::scoped_lock lock(mutex_);
    if (const auto known = verdicts_.find(root); known != verdicts_.end()) return known->second;
    const auto text = read_file(verdict_path(root));
    Verdict verdict = text ? decode_verdict(*text) : Verdict{};
    if (verdict.state != ProbeState::unknown) verdicts_[root] = verdict;
    return verdict;
  }

  Status set_verdict(const Digest& root, const Verdict& verdict) {
    const std::scoped_lock lock(mutex_);
    verdicts_[root] = verdict;
    KILN_TRY(make_directories(verdict_path(root).parent_path()));
    return write_file_atomically(verdict_path(root), encode_verdict(verdict), 0600);
  }

  std::uint64_t packaged() const { return packaged_; }

 private:
  std::filesystem::path record_path(const Digest& key) const {
    return directory_ / "toolchains" / (key.hex() + ".cbor");
  }
  std::filesystem::path verdict_path(const Digest& root) const {
    return directory_ / "verdicts" / root.hex();
  }

  RecordPtr remembered(const Digest& key, const ToolchainQuery& query) {
    const TimePoint now = now_();
    Known known;
    {
      const std::scoped_lock lock(mutex_);
      const auto found = records_.find(key);
      if (found == records_.end()) return nullptr;
      known = found->second;
    }
    const auto& record = known.record;
    if (!record->answer.toolchain && now - record->made >= ToolchainCache::kUnpackagedHolds)
      return nullptr;
    // A whole look takes some dozen system calls. A build's calls follow one another closely, so
    // between two of them only the compiler itself is looked at.
    if (now - known.looked_at < ToolchainCache::kLookAgain)
      return command_is_unchanged(*record, query) ? record : nullptr;
    if (!still_holds(*record, query)) return nullptr;
    remember(key, record);
    return record;
  }

  static bool command_is_unchanged(const ToolchainRecord& record, const ToolchainQuery& query) {
    if (record.watched.empty()) return false;
    const auto& first = record.watched.front();
    return first.path == query.command && stamp_of(first.path) == first.stamp;
  }

  RecordPtr remember(const Digest& key, RecordPtr record) {
    const TimePoint now = now_();
    const std::scoped_lock lock(mutex_);
    records_[key] = {record, now};
    return record;
  }

  RecordPtr load(const Digest& key, const ToolchainQuery& query) {
    const auto bytes = read_file(record_path(key));
    if (!bytes) return nullptr;
    auto record = decode_record(*bytes);
    if (!record || !still_holds(*record, query)) return nullptr;
    return std::make_shared<const ToolchainRecord>(std::move(*record));
  }

  // A failure is not stored: it may end without any file changing that we know of, and a new agent
  // then finds out. Nor is a cache that cannot be written a reason to fail.
  void store(const Digest& key, const ToolchainRecord& record) {
    if (!record.answer.toolchain) return;
    const auto path = record_path(key);
    if (make_directories(path.parent_path())) {
      (void)write_file_atomically(path, encode_record(record), 0600);
    }
  }

  Result<ToolchainRecord> package(const ToolchainQuery& query) {
    return query.is_compiler ? package_a_compiler(query) : package_a_program(query);
  }

  Result<ToolchainRecord> package_a_compiler(const ToolchainQuery& query) {
    ToolchainRecord record;
    watch(record, query.command);
    KILN_TRY_ASSIGN(const Compiler compiler, identify(query));
    if (!compiler.unsupported.empty()) {
      record.answer = only_local(query.command, compiler.unsupported, compiler.explanation);
      return record;
    }
    Toolchain description;
    description.family = compiler.family;
    description.version = compiler.version;
    description.target = compiler.target;
    description.architecture = compiler.architecture;
    KILN_TRY(complete(record, package_compiler(compiler, query), std::move(description), query));
    return record;
  }

  Result<ToolchainRecord> package_a_program(const ToolchainQuery& query) {
    ToolchainRecord record;
    watch(record, query.command);
    Toolchain description;
    const auto list = package_program(query.command, query);
    if (list) description.architecture = list->architecture;
    KILN_TRY(complete(record, list, std::move(description), query));
    return record;
  }

  // Builds the tree of `list` and makes it the record's answer, or the reason why there is none.
  // Fails with what may be otherwise the next time.
  Status complete(ToolchainRecord& record, const Result<FileList>& list, Toolchain description,
                  const ToolchainQuery& query) {
    if (!list && is_passing(list.error())) return fail(list.error());
    if (!list) {
      record.answer = only_local(query.command, "toolchain_incomplete", list.error().message);
      return {};
    }
    for (const auto& path : list->files) watch(record, path);
    for (const auto& path : list->watched) watch(record, path);
    record.lookups = list->lookups;
    auto built = build_toolchain(*list, files_, digests_);
    if (!built && is_passing(built.error())) return fail(built.error());
    if (!built) {
      record.answer = only_local(query.command, "toolchain_incomplete", built.error().message);
      return {};
    }
    built->family = description.family;
    built->version = std::move(description.version);
    built->target = std::move(description.target);
    built->architecture = std::move(description.architecture);
    built->program = query.command;
    record.answer.program = query.command;
    record.answer.toolchain = std::make_shared<const Toolchain>(std::move(*built));
    return {};
  }

  const std::filesystem::path directory_;
  const FileSystem& files_;
  FileDigestCache& digests_;
  const Now now_;
  std::mutex slow_mutex_;  // held while something is packaged
  std::mutex mutex_;       // guards the maps
  std::unordered_map<Digest, Known> records_;
  std::unordered_map<Digest, Verdict> verdicts_;
  std::atomic<std::uint64_t> packaged_{0};
};

ToolchainCache::ToolchainCache(std::filesystem::path directory, const FileSystem& files,
                               FileDigestCache& digests, Now now)
    : impl_(std::make_unique<Impl>(std::move(directory), files, digests, std::move(now))) {}
ToolchainCache::~ToolchainCache() = default;

Result<ToolchainAnswer> ToolchainCache::find(const ToolchainQuery& query) {
  return impl_->find(query);
}
Verdict ToolchainCache::verdict(const Digest& root) {
  return impl_->verdict(root);
}
Status ToolchainCache::set_verdict(const Digest& root, const Verdict& verdict) {
  return impl_->set_verdict(root, verdict);
}
std::uint64_t ToolchainCache::packaged() const {
  return impl_->packaged();
}

}  // namespace kiln::client
