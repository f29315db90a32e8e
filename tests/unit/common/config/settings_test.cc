#include "common/config/settings.h"

#include <cstdlib>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/files.h"
#include "common/config/command_line.h"

namespace kiln::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    std::string pattern = testing::TempDir() + "kiln-settings-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~SettingsTest() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& content) {
    const auto path = (directory_ / "a.toml").string();
    EXPECT_TRUE(write_file_atomically(path, content, 0600));
    return path;
  }
  Result<Answer> load(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "prog");
    return load_settings(settings_, {"prog", "A program.", "1.0"},
                         static_cast<int>(arguments.size()), arguments.data(),
                         [this](const std::string& name) -> std::optional<std::string> {
                           const auto found = environment_.find(name);
                           if (found == environment_.end()) return std::nullopt;
                           return found->second;
                         });
  }
  std::string message_of_file(const std::string& content) {
    const auto loaded = settings_.load_file(file(content));
    return loaded ? "" : loaded.error().message;
  }

  std::filesystem::path directory_;
  std::map<std::string, std::string> environment_;
  Settings settings_{"prog",
                     {{"http", "PROG_HTTP", {"127.0.0.1:1"}, "where to serve", SettingKind::text},
                      {"label", "PROG_LABELS", {}, "a label", SettingKind::list},
                      {"idle-time", "PROG_IDLE", {"10m"}, "how long", SettingKind::text},
                      {"insecure", "", {}, "takes risks", SettingKind::boolean}}};
};

TEST_F(SettingsTest, defaults_say_that_they_are) {
  ASSERT_TRUE(load({}));
  EXPECT_EQ(settings_.text("http"), "127.0.0.1:1");
  EXPECT_EQ(settings_.at("http").origin, "default");
  EXPECT_EQ(*settings_.duration("idle-time"), std::chrono::minutes(10));
  EXPECT_FALSE(*settings_.boolean("insecure"));
}

TEST_F(SettingsTest, flags_beat_environment_beats_file) {
  const auto path = file("[prog]\nhttp = \"file\"\nidle_time = \"3s\"\nlabel = [\"a=1\"]\n");
  environment_ = {{"PROG_HTTP", "variable"}, {"PROG_LABELS", "b=2,c=3"}};
  ASSERT_TRUE(load({"--http", "flag", "--insecure", "--config", path.c_str()}));
  EXPECT_EQ(settings_.text("http"), "flag");
  EXPECT_EQ(settings_.at("http").origin, "--http");
  EXPECT_THAT(settings_.list("label"), ElementsAre("b=2", "c=3"));
  EXPECT_EQ(settings_.at("label").origin, "PROG_LABELS");
  EXPECT_EQ(*settings_.duration("idle-time"), seconds(3));
  EXPECT_EQ(settings_.at("idle-time").origin, path + ":3");
  EXPECT_TRUE(*settings_.boolean("insecure"));
}

TEST_F(SettingsTest, lists_are_repeatable_flags) {
  ASSERT_TRUE(load({"--label", "a=1", "--label", "b=2"}));
  EXPECT_THAT(settings_.list("label"), ElementsAre("a=1", "b=2"));
}

TEST_F(SettingsTest, other_programs_tables_are_ignored) {
  EXPECT_EQ(message_of_file("[other]\nunknown = 1\n[prog]\nhttp = \"x\"\n"), "");
  EXPECT_EQ(settings_.text("http"), "x");
}

TEST_F(SettingsTest, file_errors_name_the_line) {
  EXPECT_THAT(message_of_file("[prog]\n\nhtpt = \"x\"\n"), HasSubstr("a.toml:3: "));
  EXPECT_THAT(message_of_file("[prog]\nhttp = \n"), HasSubstr("a.toml:2: "));
  EXPECT_THAT(message_of_file("http = \"x\"\n"), HasSubstr("put it under [prog]"));
  EXPECT_THAT(message_of_file("[prog]\nhttp = [1]\n"), HasSubstr("a.toml:2: http must be"));
  EXPECT_THAT(message_of_file("[prog]\ninsecure = \"yes\"\n"), HasSubstr("without quotes"));
  EXPECT_THAT(load({"--config", "/nonexistent/x"}).error().message, HasSubstr("/nonexistent/x"));
}

TEST_F(SettingsTest, value_errors_name_the_origin) {
  environment_ = {{"PROG_IDLE", "soon"}};
  ASSERT_TRUE(load({}));
  EXPECT_THAT(settings_.duration("idle-time").error().message, HasSubstr("PROG_IDLE: \"soon\""));
  EXPECT_THAT(settings_.number("http", 1, 2).error().message, HasSubstr("--http: "));
}

TEST_F(SettingsTest, unknown_flags_and_stray_words_are_refused) {
  EXPECT_THAT(load({"--htpt", "x"}).error().message, HasSubstr("--htpt"));
  EXPECT_THAT(load({"stray"}).error().message, HasSubstr("stray"));
  EXPECT_THAT(load({"--http"}).error().message, HasSubstr("--http"));
}

TEST_F(SettingsTest, help_and_version_are_answers) {
  EXPECT_EQ((*load({"--version"})).value(), "prog 1.0\n");
  EXPECT_THAT((*load({"--help"})).value(), HasSubstr("--idle-time"));
}

}  // namespace
}  // namespace kiln::config
