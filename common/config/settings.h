// Settings of a program: flags over environment over TOML files over defaults. Each setting knows
// its value and where that came from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace kiln::config {

enum class SettingKind { text, list, boolean };

// What a program can be told. `key` is also the flag (--key) and the name in a file, where '_'
// may stand for '-'.
struct SettingSpec {
  std::string key;
  std::string variable;  // environment variable; empty: none
  std::vector<std::string> defaults;
  std::string help;
  SettingKind kind = SettingKind::text;  // list: flag repeatable, variable comma-separated
};

// Later ones win.
enum class Source { fallback, file, environment, flag };

struct Setting {
  SettingSpec spec;
  std::vector<std::string> values;
  Source source = Source::fallback;
  std::string origin = "default";  // "--http", "KILN_HTTP", "/etc/kiln/a.toml:3", "default"
};

// Looks up an environment variable; nullopt when unset.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
// That of this process.
Environment process_environment();

class Settings {
 public:
  // `section`: the table of a TOML file that is this program's: "coordinator". Other tables are
  // other programs' and ignored.
  Settings(std::string section, std::vector<SettingSpec> specs);

  // Reads a file; of several, the later wins. Errors name file and line: unknown keys, wrong types.
  Status load_file(const std::filesystem::path& path);
  // An empty variable counts as unset.
  Status load_environment(const Environment& environment);
  // From the command line. REQUIRES: a known key.
  void set_flag(std::string_view key, std::vector<std::string> values);

  // REQUIRES, below: a known key of the right kind.
  const Setting& at(std::string_view key) const;
  bool given(std::string_view key) const { return at(key).source != Source::fallback; }
  const std::string& text(std::string_view key) const;
  const std::vector<std::string>& list(std::string_view key) const;
  // Errors name the setting's origin: "KILN_IDLE_TIMEOUT: \"1d\" is not a duration; …".
  Result<bool> boolean(std::string_view key) const;
  Result<std::uint64_t> size(std::string_view key) const;
  Result<Duration> duration(std::string_view key) const;
  Result<std::uint64_t> number(std::string_view key, std::uint64_t least, std::uint64_t most) const;
  // `problem` said of the setting `key`, in the same form.
  Error error(std::string_view key, const Error& problem) const;

  const std::vector<Setting>& all() const { return settings_; }

 private:
  Setting* find(std::string_view key);
  void set(Setting& setting, std::vector<std::string> values, Source source, std::string origin);

  std::string section_;
  std::vector<Setting> settings_;
};

}  // namespace kiln::config
