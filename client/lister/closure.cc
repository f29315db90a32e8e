#include "client/lister/closure.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "client/arguments/environment.h"
#include "client/arguments/option_table.h"

namespace kiln::client {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string_view without_slashes(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// clang learned SOURCE_DATE_EPOCH only in version 16.
bool has_fixed_time(const CompilerCall& call) {
  return call.family == CompilerFamily::gcc &&
         !variable(call.environment, "SOURCE_DATE_EPOCH").empty();
}

// What of an argument gets into the sources: a macro's body, but not its name, since
// -D__DATE__="x" and -U__DATE__ take the time out.
std::string_view text_of(const Argument& argument) {
  const std::string_view option = argument.option != nullptr ? argument.option->name : "";
  if (option == "-U") return {};
  if (option != "-D") return argument.text;
  const std::size_t equals = argument.value.find('=');
  return equals == std::string_view::npos ? std::string_view{} : argument.value.substr(equals + 1);
}

class Closure {
 public:
  Closure(const ClosureContext& context, const CompileUnit& unit, const CompilerCall& call,
          const SearchPath& search)
      : context_(context),
        unit_(unit),
        call_(call),
        search_(search),
        named_(unit.include_directories) {
    const auto more = environment_directories(call.environment, unit.language);
    named_.insert(named_.end(), more.begin(), more.end());
    find_system_directories();
  }

  Result<ListOutcome> run(const std::vector<std::string>& listed) {
    for (const std::string& path : listed) {
      KILN_TRY(add_listed(path));
      if (local_) return ListOutcome(*local_);
    }
    KILN_TRY(add_aliased());
    add_twins();
    look_for_precompiled();
    if (local_) return ListOutcome(*local_);
    for (const std::string& path : unit_.inputs) listing_.files.push_back(path);
    add_directories();
    return ListOutcome(std::move(listing_));
  }

 private:
  struct Scanned {
    std::string path;
    Digest digest;
    std::uint64_t size = 0;
    std::shared_ptr<const SourceScan> scan;
  };

  // Those that the compiler itself brought: headers there are no files of the project.
  void find_system_directories() {
    for (const std::string& directory : search_.angled) {
      const bool named = std::any_of(named_.begin(), named_.end(), [&](const auto& entry) {
        return without_slashes(entry.path) == without_slashes(directory);
      });
      if (!named) system_.push_back(directory + "/");
    }
  }

  bool is_system(const std::string& path) const {
    return std::any_of(system_.begin(), system_.end(),
                       [&](const std::string& prefix) { return path.starts_with(prefix); });
  }

  std::string absolute(const std::string& path) const { return absolute_path(call_.cwd, path); }

  bool is_file(const std::string& path) {
    const auto [found, is_new] = known_files_.try_emplace(path, false);
    if (is_new) {
      const auto status = context_.files.stat(absolute(path));
      found->second = status && status->kind == FileKind::regular;
    }
    return found->second;
  }

  Status add_listed(const std::string& path) {
    if (path == "/dev/null") return {};
    const std::string full = absolute(path);
    KILN_TRY_ASSIGN(const FileStatus status, context_.files.stat(full));
    if (status.kind != FileKind::regular) {
      local_ = Local{"special_input"};
      return {};
    }
    listing_.files.push_back(path);
    std::optional<std::string> content;
    KILN_TRY_ASSIGN(const Digest digest, context_.digests.digest(full, status, &content));
    KILN_TRY_ASSIGN(const auto scan, context_.scans.scan(full, digest, {}, std::move(content)));
    scanned_.push_back({path, digest, status.size, scan});
    judge(path, *scan);
    for (const HeaderName& header : scan->asked) resolve(path, header);
    for (const std::string& name : scan->line_files) {
      if (is_file(name)) listing_.files.push_back(name);
    }
    aliases_.insert(aliases_.end(), scan->aliases.begin(), scan->aliases.end());
    return {};
  }

  void judge(const std::string& path, const SourceScan& scan) {
    if (scan.computed_has_include) local_ = Local{"computed_has_include"};
    if (is_system(path)) return;
    if (scan.embeds) local_ = Local{"embedded_file"};
    if (scan.tells_timestamp || (scan.tells_time && !has_fixed_time(call_)))
      local_ = Local{"time_macro"};
    if (uses_precompiled(path)) local_ = Local{"precompiled_header"};
  }

  // -M reads headers, a compile would take the precompiled one beside them: gcc for any header,
  // clang for those of -include.
  bool uses_precompiled(const std::string& path) const {
    const auto beside = [&](const char* suffix) {
      return context_.files.stat(absolute(path + suffix)).has_value();
    };
    if (call_.family == CompilerFamily::gcc) return beside(".gch");
    return !unit_.forced_includes.empty() && (beside(".gch") || beside(".pch"));
  }

  // gcc also takes one in a directory that it searches before the header's own. It does so only for
  // what the source itself includes or -include does.
  void look_for_precompiled() {
    if (call_.family != CompilerFamily::gcc) return;
    std::vector<HeaderName> headers;
    for (const auto& name : unit_.forced_includes) headers.push_back({name, false, false});
    for (const Scanned& file : scanned_) {
      if (file.path != unit_.source) continue;
      headers.insert(headers.end(), file.scan->included.begin(), file.scan->included.end());
    }
    for (const HeaderName& header : headers) {
      for (const std::string& place : places_of(unit_.source, header)) {
        if (context_.files.stat(absolute(place + ".gch"))) local_ = Local{"precompiled_header"};
      }
    }
  }

  // Adds what __has_include finds. For __has_include_next every match: which is next depends on
  // where the asking file was found.
  void resolve(const std::string& asking, const HeaderName& header) {
    if (header.name.starts_with('/')) {
      add_if_found(header.name);
      return;
    }
    if (!header.angled) {
      if (add_if_found(parent_of(asking) + "/" + header.name) && !header.next) return;
      if (add_from(search_.quote, header) && !header.next) return;
    }
    add_from(search_.angled, header);
  }

  bool add_from(const std::vector<std::string>& directories, const HeaderName& header) {
    bool found = false;
    for (const std::string& directory : directories) {
      if (add_if_found(directory + "/" + header.name)) {
        found = true;
        if (!header.next) break;
      }
    }
    return found;
  }

  bool add_if_found(const std::string& path) {
    if (!is_file(path)) return false;
    listing_.files.push_back(path);
    return true;
  }

  Status add_aliased() {
    std::sort(aliases_.begin(), aliases_.end());
    aliases_.erase(std::unique(aliases_.begin(), aliases_.end()), aliases_.end());
    if (aliases_.empty()) return {};
    for (const Scanned& file : scanned_) {
      KILN_TRY_ASSIGN(const auto scan,
                      context_.scans.scan(absolute(file.path), file.digest, aliases_));
      if (scan->computed_has_include) local_ = Local{"computed_has_include"};
      for (const HeaderName& header : scan->asked) resolve(file.path, header);
    }
    return {};
  }

  // A header that is read once is not listed again under another name: gcc knows it by its size,
  // time and content, clang by its inode. A compile opens that name all the same.
  void add_twins() {
    std::unordered_set<std::uint64_t> sizes;
    std::unordered_set<std::string> listed;
    for (const Scanned& file : scanned_) {
      if (file.scan->once && !is_system(file.path)) sizes.insert(file.size);
    }
    if (sizes.empty()) return;
    for (const Scanned& file : scanned_) listed.insert(normal(file.path));
    for (const Scanned& file : scanned_) {
      if (is_system(file.path)) continue;
      for (const HeaderName& header : file.scan->included)
        add_twin(file.path, header, sizes, listed);
    }
  }

  void add_twin(const std::string& asking, const HeaderName& header,
                const std::unordered_set<std::uint64_t>& sizes,
                const std::unordered_set<std::string>& listed) {
    const auto places = places_of(asking, header);
    const auto is_listed = [&](const auto& place) { return listed.contains(normal(place)); };
    if (std::any_of(places.begin(), places.end(), is_listed)) return;
    for (const std::string& place : places) {
      if (!is_file(place)) continue;
      const auto status = context_.files.stat(absolute(place));
      if (status && sizes.contains(status->size)) listing_.files.push_back(place);
      return;
    }
  }

  // Where a header is looked for, in order.
  std::vector<std::string> places_of(const std::string& asking, const HeaderName& header) const {
    if (header.name.starts_with('/')) return {header.name};
    std::vector<std::string> places;
    const auto add = [&](const std::string& directory) {
      places.push_back(directory + "/" + header.name);
    };
    if (!header.angled) add(parent_of(asking));
    if (!header.angled) std::for_each(search_.quote.begin(), search_.quote.end(), add);
    std::for_each(search_.angled.begin(), search_.angled.end(), add);
    return places;
  }

  std::string normal(const std::string& path) const {
    return std::filesystem::path(absolute(path)).lexically_normal().string();
  }

  void add_directories() {
    auto& directories = listing_.directories;
    directories = search_.quote;
    directories.insert(directories.end(), search_.angled.begin(), search_.angled.end());
    for (const IncludeDirectory& directory : named_) directories.push_back(directory.path);
    for (const std::string& output : unit_.outputs) directories.push_back(parent_of(output));
    const std::string_view logical_cwd = variable(call_.environment, "PWD");
    if (logical_cwd.starts_with('/')) directories.emplace_back(logical_cwd);
    // clang recognises a gcc installation by this file, and finds libstdc++ by the installation.
    const std::string& installation = search_.gcc_installation;
    if (!installation.empty()) add_if_found(installation + "/crtbegin.o");
    for (auto* list : {&listing_.files, &directories}) {
      std::sort(list->begin(), list->end());
      list->erase(std::unique(list->begin(), list->end()), list->end());
    }
  }

  const ClosureContext& context_;
  const CompileUnit& unit_;
  const CompilerCall& call_;
  const SearchPath& search_;
  std::vector<IncludeDirectory> named_;
  std::vector<std::string> system_;
  std::unordered_map<std::string, bool> known_files_;
  std::vector<Scanned> scanned_;
  std::vector<std::string> aliases_;
  std::optional<Local> local_;
  Listing listing_;
};

}  // namespace

Result<ListOutcome> close_listing(const ClosureContext& context, const CompileUnit& unit,
                                  const CompilerCall& call, const std::vector<std::string>& listed,
                                  const SearchPath& search) {
  return Closure(context, unit, call, search).run(listed);
}

std::optional<Local> judge_arguments(const CompileUnit& unit, const CompilerCall& call) {
  for (const Argument& argument : cut_arguments(unit.expanded)) {
    const SourceScan scan = scan_source(text_of(argument));
    if (scan.tells_timestamp || (scan.tells_time && !has_fixed_time(call)))
      return Local{"time_macro"};
    if (scan.embeds) return Local{"embedded_file"};
    // A name that is given there would be looked for from wherever the macro is used.
    if (scan.computed_has_include || !scan.asked.empty() || !scan.aliases.empty())
      return Local{"computed_has_include"};
  }
  return std::nullopt;
}

}  // namespace kiln::client
