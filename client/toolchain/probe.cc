#include "client/toolchain/probe.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "common/base/child_process.h"
#include "common/base/files.h"

namespace kiln::client {
namespace {

constexpr seconds kProbeDeadline{60};

// A static table, floating point, a loop worth vectorising, and an unused variable to warn of.
constexpr std::string_view kSource = R"(struct point { double x, y; char name[8]; };
static const struct point origins[] = {{0.5, 1.25, "one"}, {2.0, 3.0e-7, "two"}};
int probe_values[64];
double probe_sum(int count) {
  int unused_by_probe;
  double sum = origins[count & 1].x;
  for (int i = 0; i < count; ++i) sum += (double)probe_values[i & 63] * origins[i & 1].y;
  return sum;
}
)";

constexpr std::string_view kCxxSource = R"(
namespace probe {
struct base { virtual ~base(); virtual int value() const; };
base::~base() {}
int base::value() const { return 1; }
template <typename T, unsigned N> struct box : base {
  T items[N] = {};
  int value() const override { auto first = [this] { return items[0]; }; return int(first()); }
};
int guarded(const base& it) {
  try { if (it.value() > 3) throw it.value(); } catch (int thrown) { return thrown; }
  return 0;
}
box<long, 3> instance;
}
int probe_all() { static probe::box<double, 5> own; return guarded(own) + probe::instance.value(); }
)";

}  // namespace

bool can_compile(const Toolchain& toolchain, Language language) {
  if (toolchain.family == CompilerFamily::clang) return true;
  const std::string_view wanted = language == Language::cxx ? "cc1plus" : "cc1";
  return std::any_of(toolchain.files.begin(), toolchain.files.end(), [&](const InputFile& file) {
    return std::filesystem::path(file.path).filename() == wanted;
  });
}

std::vector<ProbeSource> probe_sources(CompilerFamily family, Language language) {
  const bool is_cxx = language == Language::cxx;
  const std::string file_name = is_cxx ? "probe.cc" : "probe.c";
  std::string content(kSource);
  if (is_cxx) content += kCxxSource;
  // gcc names the sections of an -flto object at random unless it is given a seed.
  const bool is_clang = family == CompilerFamily::clang;
  std::vector<std::vector<std::string>> variants = {
      {"-O2", "-g"}, {"-O0"}, {"-O2", is_clang ? "-flto=thin" : "-flto", "-frandom-seed=probe"}};
  std::vector<ProbeSource> sources;
  for (auto& arguments : variants) {
    // Without -nostdinc gcc includes /usr/include/stdc-predef.h, an input like any other header.
    arguments.insert(arguments.end(),
                     {"-Wall", "-Wextra", "-nostdinc", "-c", file_name, "-o", file_name + ".o"});
    sources.push_back({file_name, content, std::move(arguments)});
  }
  return sources;
}

Result<ProbeDirectory> ProbeDirectory::create(const std::filesystem::path& parent,
                                              const ProbeSource& source) {
  std::string path = (parent / "kiln-probe-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) {
    return fail_errno("cannot make a directory for the probe in " + parent.string(), errno);
  }
  ProbeDirectory directory(path, source.file_name);
  KILN_TRY(write_file_atomically(directory.source_path(), source.content, 0644));
  return directory;
}

ProbeDirectory::ProbeDirectory(std::filesystem::path path, std::string file_name)
    : path_(std::move(path)), file_name_(std::move(file_name)) {}

ProbeDirectory::ProbeDirectory(ProbeDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), file_name_(std::move(other.file_name_)) {}

ProbeDirectory& ProbeDirectory::operator=(ProbeDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_name_, other.file_name_);
  return *this;
}

ProbeDirectory::~ProbeDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Result<ProbeOutcome> run_locally(const std::string& program, const std::string& command,
                                 const Environment& environment, const ProbeSource& source,
                                 const ProbeDirectory& directory) {
  CommandSpec spec;
  spec.program = program;
  spec.argv = {command};
  spec.argv.insert(spec.argv.end(), source.arguments.begin(), source.arguments.end());
  spec.environment = environment;
  spec.cwd = directory.path().string();
  spec.deadline = kProbeDeadline;
  KILN_TRY_ASSIGN(CommandOutput output, run_command(spec));
  if (output.timed_out) {
    return fail(Errc::timed_out, "the probe compile with " + program + " took more than 60 s");
  }
  ProbeOutcome outcome;
  outcome.exit_code = output.signal == 0 ? output.exit_code : 128 + output.signal;
  outcome.diagnostics = std::move(output.stderr_text);
  auto object = read_file(directory.object_path());
  if (object) outcome.object = std::move(*object);
  std::error_code ignored;
  std::filesystem::remove(directory.object_path(), ignored);
  return outcome;
}

Status compare(const ProbeOutcome& local, const ProbeOutcome& remote) {
  if (local.exit_code != 0 || local.object.empty()) {
    return fail(Errc::unsupported, "the probe does not compile on this machine: exit code " +
                                       std::to_string(local.exit_code) + ", " + local.diagnostics);
  }
  if (local.exit_code != remote.exit_code) {
    return fail(Errc::unsupported, "the probe compile ends with exit code " +
                                       std::to_string(remote.exit_code) +
                                       " in the toolchain's root: " + remote.diagnostics);
  }
  if (local.diagnostics != remote.diagnostics) {
    return fail(Errc::unsupported,
                "the compiler's messages differ in the toolchain's root; here: " +
                    local.diagnostics + "there: " + remote.diagnostics);
  }
  if (local.object != remote.object) {
    return fail(Errc::unsupported, "the probe's object differs in the toolchain's root");
  }
  return {};
}

}  // namespace kiln::client
