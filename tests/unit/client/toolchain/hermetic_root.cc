#include "tests/unit/client/toolchain/hermetic_root.h"

#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/base/child_process.h"
#include "common/base/files.h"
#include "common/wire/codec.h"

namespace kiln::client {

namespace fs = std::filesystem;

HermeticRoot::HermeticRoot(const Toolchain& toolchain) {
  lay_out(toolchain, toolchain.root, "");
  fs::create_directories(root_ / "proc");
  fs::create_directories(root_ / "tmp");
  mount("/proc", "/proc", "--rbind");
  root_.write("dev/null", "");
  mount("/dev/null", "/dev/null", "--bind");
}

void HermeticRoot::lay_out(const Toolchain& toolchain, const Digest& listing,
                           const std::string& path) {
  const auto bytes = std::find_if(toolchain.listings.begin(), toolchain.listings.end(),
                                  [&listing](const auto& known) { return known.first == listing; });
  ASSERT_NE(bytes, toolchain.listings.end());
  const auto directory = wire::decode_directory(bytes->second);
  ASSERT_TRUE(directory) << directory.error().message;
  fs::create_directories(root_.string() + path);
  for (const auto& entry : directory->entries) {
    const std::string below = path + "/" + entry.name;
    if (entry.kind == EntryKind::directory) lay_out(toolchain, entry.digest, below);
    if (entry.kind == EntryKind::symlink) fs::create_symlink(entry.target, root_.string() + below);
    if (entry.kind != EntryKind::file) continue;
    EXPECT_EQ(entry.mtime_ns, 0) << below;
    EXPECT_EQ(entry.link_group, 0U) << below;
    const auto file =
        std::find_if(toolchain.files.begin(), toolchain.files.end(),
                     [&entry](const InputFile& known) { return known.digest == entry.digest; });
    ASSERT_NE(file, toolchain.files.end()) << below;
    ASSERT_TRUE(write_file_atomically(root_.string() + below, "", entry.mode));
    mount(file->path, below, "--bind");
  }
}

void HermeticRoot::mount(const std::string& source, const std::string& path, const char* how) {
  mounts_ += std::string("mount ") + how + " '" + source + "' '" + root_.string() + path + "'\n";
}

void HermeticRoot::show(const std::string& directory) {
  fs::create_directories(root_.string() + directory);
  mount(directory, directory, "--bind");
}

ProbeOutcome HermeticRoot::run(const std::string& program,
                               const std::vector<std::string>& arguments,
                               const Environment& environment, const std::string& cwd,
                               const std::string& object) const {
  CommandSpec spec;
  spec.program = "/usr/bin/unshare";
  spec.argv = {"unshare", ::geteuid() == 0 ? "-m" : "-rm", "sh",
               "-ec",     mounts_ + "exec env -i \"$@\"",  "sh"};
  for (const auto& [name, value] : environment) spec.argv.push_back(name + "=" + value);
  spec.argv.insert(spec.argv.end(),
                   {"/usr/bin/unshare", "--root=" + root_.string(), "--wd=" + cwd, program});
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}};
  spec.deadline = seconds(50);
  const auto output = run_command(spec);
  EXPECT_TRUE(output) << output.error().message;
  if (!output) return {};
  ProbeOutcome outcome;
  outcome.exit_code = output->exit_code;
  outcome.diagnostics = output->stderr_text;
  outcome.object = read_file(object).value_or("");
  std::error_code ignored;
  fs::remove(object, ignored);
  return outcome;
}

}  // namespace kiln::client
