#include "client/toolchain/locale_files.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <system_error>

#include <langinfo.h>
#include <locale.h>

#include "client/paths/environment.h"

namespace kiln::client {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code code;
  return fs::exists(path, code);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = text.find(separator);
    if (end != 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return parts;
}

// "UTF-8" gives "utf8", "8859-1" gives "iso88591": how the C library spells character sets.
std::string normalized_charset(std::string_view charset) {
  std::string plain;
  for (const char letter : charset) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte)) plain += static_cast<char>(std::tolower(byte));
  }
  const bool digits = std::all_of(plain.begin(), plain.end(),
                                  [](char letter) { return letter >= '0' && letter <= '9'; });
  return digits ? "iso" + plain : plain;
}

// What setlocale(category, "") takes: the first of LC_ALL, the category and LANG that is not empty.
std::string_view effective(const Environment& environment, std::string_view category) {
  for (const std::string_view name :
       {std::string_view("LC_ALL"), category, std::string_view("LANG")}) {
    if (const auto value = value_of(environment, name); !value.empty()) return value;
  }
  return "C";
}

bool has_charset(std::string_view name) {
  return name.find('.') != name.npos;
}

void make_unique(std::vector<std::string>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

bool is_builtin(std::string_view name) {
  return name == "C" || name == "POSIX";
}

// A locale of this machine; none when setlocale would fail and programs therefore stay in "C".
class Locale {
 public:
  explicit Locale(const std::string& name)
      : locale_(::newlocale(LC_CTYPE_MASK, name.c_str(), nullptr)) {}
  ~Locale() {
    if (locale_ != nullptr) ::freelocale(locale_);
  }
  Locale(const Locale&) = delete;
  Locale& operator=(const Locale&) = delete;

  bool available() const { return locale_ != nullptr; }
  std::string charset() const { return ::nl_langinfo_l(CODESET, locale_); }

 private:
  locale_t locale_;
};

class Finder {
 public:
  explicit Finder(const LocaleQuery& query) : query_(query) {}

  LocaleFiles find() {
    for (const auto& name : names()) add_compiled(name);
    add_catalogues(std::string(effective(query_.environment, "LC_MESSAGES")));
    add_gconv(std::string(effective(query_.environment, "LC_CTYPE")));
    add_zone();
    make_unique(found_.files);
    make_unique(found_.watched);
    return std::move(found_);
  }

 private:
  // All categories, as setlocale(LC_ALL, "") fails when one of them is missing.
  std::vector<std::string> names() const {
    std::vector<std::string> names{std::string(effective(query_.environment, "LC_CTYPE"))};
    for (const auto& [key, value] : query_.environment) {
      if (key.starts_with("LC_")) names.emplace_back(effective(query_.environment, key));
    }
    make_unique(names);
    return names;
  }

  void add(const fs::path& path) {
    if (is_there(path)) found_.files.push_back(path.string());
  }

  // False when it is not there.
  bool watch(const fs::path& directory) {
    if (!is_there(directory)) return false;
    found_.watched.push_back(directory.string());
    return true;
  }

  void add_all_below(const fs::path& directory) {
    std::error_code code;
    for (fs::recursive_directory_iterator entry(directory, code), end; !code && entry != end;
         entry.increment(code)) {
      if (entry->is_regular_file(code)) found_.files.push_back(entry->path().string());
    }
  }

  void add_compiled(const std::string& name) {
    if (is_builtin(name) || name.find('/') != std::string::npos) return;
    const auto own_path = value_of(query_.environment, "LOCPATH");
    bool is_directory = false;
    for (const auto& directory : split(own_path.empty() ? kLocaleDirectory : own_path, ':')) {
      watch(directory);
      for (const auto& variant : locale_variants(name)) {
        if (!is_there(fs::path(directory) / variant)) continue;
        is_directory |= has_charset(variant) == has_charset(name);
        add_all_below(fs::path(directory) / variant);
      }
    }
    if (is_directory || !Locale(name).available()) return;
    add(fs::path(kLocaleDirectory) / "locale-archive");
  }

  void add_catalogues(const std::string& name) {
    if (is_builtin(name)) return;
    add("/usr/share/locale/locale.alias");
    std::vector<std::string> languages = split(value_of(query_.environment, "LANGUAGE"), ':');
    languages.push_back(name);
    std::vector<fs::path> roots = {"/usr/share/locale", "/usr/share/locale-langpack"};
    for (const auto& prefix : query_.prefixes) roots.push_back(fs::path(prefix) / "share/locale");
    for (const auto& root : roots) {
      if (!watch(root)) continue;
      for (const auto& language : languages) {
        for (const auto& variant : locale_variants(language)) add_domains(root / variant);
      }
    }
  }

  void add_domains(const fs::path& directory) {
    if (!watch(directory) || !watch(directory / "LC_MESSAGES")) return;
    for (const auto& domain : query_.domains) add(directory / "LC_MESSAGES" / (domain + ".mo"));
  }

  void add_gconv(const std::string& name) {
    if (query_.c_library.empty()) return;
    const Locale locale(name);
    const std::string charset = locale.available() ? locale.charset() : "UTF-8";
    if (!query_.charsets && (charset == "UTF-8" || charset == "ANSI_X3.4-1968")) return;
    const fs::path beside = fs::path(query_.c_library).parent_path() / "gconv";
    add_all_below(beside);
    const fs::path below_usr = "/usr" + beside.string();
    if (!beside.string().starts_with("/usr/") && is_there(below_usr)) add_all_below(below_usr);
  }

  void add_zone() {
    std::string_view zone = value_of(query_.environment, "TZ");
    if (zone.starts_with(':')) zone.remove_prefix(1);
    const bool is_plain = !zone.empty() && zone.front() != '/' && zone.find("..") == zone.npos;
    if (is_plain) add(fs::path("/usr/share/zoneinfo") / zone);
  }

  static constexpr std::string_view kLocaleDirectory = "/usr/lib/locale";

  const LocaleQuery& query_;
  LocaleFiles found_;
};

// Cuts "…SEPARATOR tail" off `name`; the tail with its separator, or empty.
std::string cut_tail(std::string& name, char separator) {
  const auto position = name.find(separator);
  if (position == std::string::npos) return "";
  std::string tail = name.substr(position);
  name.resize(position);
  return tail;
}

}  // namespace

std::vector<std::string> locale_variants(std::string_view name) {
  std::string language(name);
  const std::string modifier = cut_tail(language, '@');
  const std::string charset = cut_tail(language, '.');
  const std::string territory = cut_tail(language, '_');
  std::vector<std::string> charsets{""};
  if (charset.size() > 1) charsets = {charset, "." + normalized_charset(charset.substr(1)), ""};
  std::vector<std::string> variants;
  for (const auto& end : {modifier, std::string()}) {
    for (const auto& middle : {territory, std::string()}) {
      for (const auto& set : charsets) {
        std::string variant = language + middle + set + end;
        const bool is_new = std::find(variants.begin(), variants.end(), variant) == variants.end();
        if (is_new && !language.empty()) variants.push_back(std::move(variant));
      }
    }
  }
  return variants;
}

LocaleFiles locale_files(const LocaleQuery& query) {
  return Finder(query).find();
}

}  // namespace kiln::client
