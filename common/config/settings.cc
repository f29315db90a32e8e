#include "common/config/settings.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/base/check.h"
#include "common/config/units.h"

namespace kiln::config {
namespace {

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

Settings::Settings(std::string section, std::vector<SettingSpec> specs)
    : section_(std::move(section)) {
  for (auto& spec : specs) {
    Setting setting;
    setting.values = spec.defaults;
    setting.spec = std::move(spec);
    settings_.push_back(std::move(setting));
  }
}

Setting* Settings::find(std::string_view key) {
  const auto found = std::find_if(settings_.begin(), settings_.end(),
                                  [&](const Setting& setting) { return setting.spec.key == key; });
  return found == settings_.end() ? nullptr : &*found;
}

void Settings::set(Setting& setting, std::vector<std::string> values, Source source,
                   std::string origin) {
  if (source < setting.source) return;
  setting.values = std::move(values);
  setting.source = source;
  setting.origin = std::move(origin);
}

Status Settings::load_environment(const Environment& environment) {
  for (auto& setting : settings_) {
    if (setting.spec.variable.empty()) continue;
    const auto value = environment(setting.spec.variable);
    if (!value || value->empty()) continue;
    auto values = setting.spec.kind == SettingKind::list ? split_at_commas(*value)
                                                         : std::vector<std::string>{*value};
    if (setting.spec.kind == SettingKind::boolean) {
      if (const auto valid = parse_bool(*value); !valid) {
        return fail(valid.error().within(setting.spec.variable));
      }
    }
    set(setting, std::move(values), Source::environment, setting.spec.variable);
  }
  return {};
}

void Settings::set_flag(std::string_view key, std::vector<std::string> values) {
  auto* setting = find(key);
  KILN_CHECK(setting != nullptr);
  set(*setting, std::move(values), Source::flag, "--" + setting->spec.key);
}

const Setting& Settings::at(std::string_view key) const {
  const auto* setting = const_cast<Settings*>(this)->find(key);
  KILN_CHECK(setting != nullptr);
  return *setting;
}

const std::string& Settings::text(std::string_view key) const {
  static const std::string kEmpty;
  const auto& setting = at(key);
  return setting.values.empty() ? kEmpty : setting.values.back();
}

const std::vector<std::string>& Settings::list(std::string_view key) const {
  return at(key).values;
}

Error Settings::error(std::string_view key, const Error& problem) const {
  const auto& setting = at(key);
  const bool fallback = setting.source == Source::fallback;
  return problem.within(fallback ? "--" + setting.spec.key : setting.origin);
}

Result<bool> Settings::boolean(std::string_view key) const {
  if (at(key).values.empty()) return false;
  auto value = parse_bool(text(key));
  if (!value) return fail(error(key, value.error()));
  return value;
}

Result<std::uint64_t> Settings::size(std::string_view key) const {
  auto value = parse_size(text(key));
  if (!value) return fail(error(key, value.error()));
  return value;
}

Result<Duration> Settings::duration(std::string_view key) const {
  auto value = parse_duration(text(key));
  if (!value) return fail(error(key, value.error()));
  return value;
}

Result<std::uint64_t> Settings::number(std::string_view key, std::uint64_t least,
                                       std::uint64_t most) const {
  auto value = parse_number(text(key), least, most);
  if (!value) return fail(error(key, value.error()));
  return value;
}

}  // namespace kiln::config
