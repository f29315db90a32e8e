#include "common/config/command_line.h"

#include <map>
#include <vector>

#include <CLI/CLI.hpp>

namespace kiln::config {
namespace {

struct Parsed {
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, bool> flags;
  std::string config;
  bool version = false;
};

std::string help_of(const SettingSpec& spec) {
  std::string help = spec.help;
  if (!spec.defaults.empty() && !spec.defaults.front().empty()) {
    help += " (default: " + spec.defaults.front() + ")";
  }
  if (!spec.variable.empty()) help += " [" + spec.variable + "]";
  return help;
}

// Declares every setting's flag; `parsed` gets the values and must outlive `app`.
void declare(CLI::App& app, const Settings& settings, Parsed& parsed) {
  for (const auto& setting : settings.all()) {
    const auto& spec = setting.spec;
    const auto flag = "--" + spec.key;
    if (spec.kind == SettingKind::boolean) {
      app.add_flag(flag, parsed.flags[spec.key], help_of(spec));
      continue;
    }
    auto* option = app.add_option(flag, parsed.texts[spec.key], help_of(spec));
    option->expected(1)->type_name("TEXT");
    if (spec.kind == SettingKind::list) {
      option->take_all();
    } else {
      option->take_last();
    }
  }
  app.add_option("--config", parsed.config, "Reads settings from a TOML file")->type_name("FILE");
  app.add_flag("--version", parsed.version, "Prints the version and ends");
}

void take_flags(const CLI::App& app, const Parsed& parsed, Settings& settings) {
  std::vector<std::string> keys;
  for (const auto& setting : settings.all()) keys.push_back(setting.spec.key);
  for (const auto& key : keys) {
    if (app.count("--" + key) == 0) continue;
    const auto text = parsed.texts.find(key);
    if (text != parsed.texts.end()) {
      settings.set_flag(key, text->second);
    } else {
      settings.set_flag(key, {parsed.flags.at(key) ? "true" : "false"});
    }
  }
}

}  // namespace

Result<Answer> load_settings(Settings& settings, const ProgramInfo& program, int argc,
                             const char* const* argv, const Environment& environment) {
  Parsed parsed;
  CLI::App app(program.description, program.name);
  declare(app, settings, parsed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Answer(app.help());
  } catch (const CLI::Error& problem) {
    return fail(Errc::invalid_argument,
                std::string(problem.what()) + "; " + program.name + " --help lists the flags");
  }
  if (parsed.version) return Answer(program.name + " " + program.version + "\n");
  take_flags(app, parsed, settings);
  KILN_TRY(settings.load_environment(environment));
  if (!parsed.config.empty()) {
    if (const auto loaded = settings.load_file(parsed.config); !loaded) {
      return fail(loaded.error().within("--config"));
    }
  }
  return Answer();
}

}  // namespace kiln::config
