// The TOML side of Settings.
#include <algorithm>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "common/base/files.h"
#include "common/config/settings.h"

namespace kiln::config {
namespace {

std::string place(const std::filesystem::path& path, const toml::source_region& region) {
  return path.string() + ":" + std::to_string(region.begin.line);
}

Error wrong(const std::string& where, const std::string& why) {
  return Error{Errc::invalid_argument, where + ": " + why};
}

// A scalar as text; false for tables, arrays and dates.
bool as_text(const toml::node& node, std::string& out) {
  if (const auto* text = node.as_string()) {
    out = text->get();
  } else if (const auto* number = node.as_integer()) {
    out = std::to_string(number->get());
  } else if (const auto* flag = node.as_boolean()) {
    out = flag->get() ? "true" : "false";
  } else {
    return false;
  }
  return true;
}

Result<std::vector<std::string>> values_of(const SettingSpec& spec, const toml::node& node,
                                           const std::string& where) {
  std::vector<std::string> values;
  std::string text;
  if (const auto* array = node.as_array(); array != nullptr && spec.kind == SettingKind::list) {
    for (const auto& element : *array) {
      if (!as_text(element, text)) return fail(wrong(where, spec.key + " must list strings"));
      values.push_back(text);
    }
    return values;
  }
  if (!as_text(node, text)) {
    return fail(wrong(where, spec.key + " must be a string, a number or true/false"));
  }
  if (spec.kind == SettingKind::boolean && !node.is_boolean()) {
    return fail(wrong(where, spec.key + " must be true or false, without quotes"));
  }
  values.push_back(text);
  return values;
}

Result<toml::table> parsed(const std::filesystem::path& path) {
  KILN_TRY_ASSIGN(const auto content, read_file(path));
  try {
    return toml::table(toml::parse(content, path.string()));
  } catch (const toml::parse_error& problem) {
    return fail(wrong(place(path, problem.source()), std::string(problem.description())));
  }
}

}  // namespace

Status Settings::load_file(const std::filesystem::path& path) {
  KILN_TRY_ASSIGN(const auto root, parsed(path));
  for (const auto& item : root) {
    const auto where = place(path, item.second.source());
    const auto* table = item.second.as_table();
    const auto name = std::string(item.first.str());
    if (table == nullptr) {
      return fail(wrong(
          where, "\"" + name + "\" stands outside of a table; put it under [" + section_ + "]"));
    }
    if (name != section_) continue;
    for (const auto& entry : *table) {
      const auto line = place(path, entry.second.source());
      auto key = std::string(entry.first.str());
      std::replace(key.begin(), key.end(), '_', '-');
      auto* setting = find(key);
      if (setting == nullptr) {
        return fail(wrong(line, "[" + section_ + "] has no setting \"" +
                                    std::string(entry.first.str()) + "\"; --help lists them"));
      }
      KILN_TRY_ASSIGN(auto values, values_of(setting->spec, entry.second, line));
      set(*setting, std::move(values), Source::file, line);
    }
  }
  return {};
}

}  // namespace kiln::config
