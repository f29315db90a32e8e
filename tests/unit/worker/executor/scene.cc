#include "tests/unit/worker/executor/scene.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "common/base/unique_fd.h"
#include "tests/support/shared_libraries.h"
#include "worker/executor/nursery_start.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

constexpr auto kPatience = seconds(60);
constexpr unsigned kChildSeconds = 150;  // most tests take one, but not on a busy machine
constexpr uid_t kOrdinaryUser = 65534;   // nobody
constexpr int kNurseryProgram = 200;     // a descriptor, of run_as's child

constexpr std::array kPrograms = {"sh",  "cat",   "chmod", "env",   "head",    "hostname",
                                  "id",  "ln",    "ls",    "mkdir", "mkfifo",  "mv",
                                  "rm",  "sleep", "stat",  "tail",  "touch",   "true",
                                  "yes", "dd",    "ipcmk", "mount", "unshare", "prlimit"};

HostOptions options_with(bool in_memory) {
  HostOptions options;
  options.in_memory = in_memory;
  return options;
}

void copy_into(const fs::path& root, const fs::path& file) {
  const auto to = root / file.relative_path();
  fs::create_directories(to.parent_path());
  if (!fs::exists(to)) fs::copy_file(fs::canonical(file), to);
}

// Programs under /bin, with every library that the loader names.
void make_tools(const fs::path& root) {
  std::vector<std::string> programs;
  for (const auto* name : kPrograms) {
    programs.push_back(std::string("/bin/") + name);
    copy_into(root, programs.back());
  }
  for (const auto& library : test_support::libraries_of(programs)) copy_into(root, library);
}

}  // namespace

std::string as_name(const testing::TestParamInfo<As>& info) {
  return info.param == As::itself ? "as_itself" : "as_ordinary_user";
}

void run_as(As who, const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ::alarm(kChildSeconds);
    const UniqueFd nursery(::open(installed_nursery()->c_str(), O_PATH));
    if (::dup2(nursery.get(), kNurseryProgram) < 0) ::_exit(4);
    if (who == As::ordinary_user && ::geteuid() == 0) {
      if (::setresgid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) != 0) ::_exit(2);
      if (::setresuid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) != 0) ::_exit(2);
      ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // as after exec: its /proc/self is its own
    }
    body();
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0) << "the test's child failed, see above";
}

fs::path nursery_program() {
  return "/proc/self/fd/" + std::to_string(kNurseryProgram);
}

TestDirectory::TestDirectory() {
  std::string name = (fs::temp_directory_path() / "kiln-test.XXXXXX").string();
  if (::mkdtemp(name.data()) != nullptr) path_ = name;
}

TestDirectory::~TestDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.front() < '0' || name.front() > '9') continue;
    std::ifstream file(entry.path() / "stat");
    std::string text;
    std::getline(file, text);
    const auto end = text.rfind(')');
    if (end == std::string::npos) continue;
    std::istringstream rest(text.substr(end + 1));
    std::string state;
    pid_t its_parent = 0;
    if (rest >> state >> its_parent && its_parent == parent && state != "Z") {
      children.push_back(std::stoi(name));
    }
  }
  return children;
}

std::size_t open_descriptors_of(pid_t pid) {
  const fs::directory_iterator listing("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(fs::begin(listing), fs::end(listing)));
}

NoMoreDescriptors::NoMoreDescriptors() {
  ::getrlimit(RLIMIT_NOFILE, &before_);
  const rlimit none{0, before_.rlim_max};  // also when some are closed meanwhile
  ::setrlimit(RLIMIT_NOFILE, &none);
}

NoMoreDescriptors::~NoMoreDescriptors() {
  ::setrlimit(RLIMIT_NOFILE, &before_);
}

Scene::Scene(bool in_memory) : Scene(options_with(in_memory)) {}

Scene::Scene(HostOptions options) {
  make_tools(tools());
  fs::create_directories(inputs() / "build");
  options.scratch = scratch();
  options.nursery = nursery_program();
  auto started = ExecutorHost::start(options);
  EXPECT_TRUE(started) << started.error().message;
  if (!started) ::_exit(3);
  host = std::move(*started);
  executor = make_executor();
}

RunRequest Scene::shell(const std::string& script) const {
  RunRequest request;
  request.program = "/bin/sh";
  request.argv = {"sh", "-c", script};
  request.environment = {{"PATH", "/bin"}};
  request.cwd = "/build";
  request.lowers = {inputs(), tools()};
  return request;
}

bool Scene::wait_until(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() > deadline) {
      ADD_FAILURE() << "waited in vain";
      return false;
    }
    pollfd watched{host->fd(), POLLIN, 0};
    ::poll(&watched, 1, 20);
    host->on_readable(events);
  }
  return true;
}

TemplateId Scene::make_template() {
  const auto id = host->create_template(TemplateSpec{});
  EXPECT_TRUE(id);
  wait_until(
      [&] { return !events.ready_templates.empty() && events.ready_templates.back() == *id; });
  return *id;
}

ExecutorId Scene::make_executor(const ExecutorSpec& spec) {
  const auto id = host->create(spec);
  EXPECT_TRUE(id);
  wait_until([&] {
    return std::find(events.ready.begin(), events.ready.end(), *id) != events.ready.end() ||
           events.died.count(*id) > 0;
  });
  for (const auto& [dead, reason] : events.died) EXPECT_NE(dead, *id) << reason.message;
  return *id;
}

void Scene::start(const RunRequest& request) {
  const auto started = host->run(executor, request);
  EXPECT_TRUE(started) << started.error().message;
}

void Scene::hold(const std::vector<std::string>& programs) {
  ExecutorSpec spec;
  for (const auto& program : programs) spec.held.push_back({{tools()}, program});
  const auto before = executor;
  executor = make_executor(spec);
  host->stop(before);
  wait_until([&] { return !events.stopped.empty(); });
}

RunReport Scene::wait_report() {
  wait_until([&] { return !events.reports.empty(); });
  if (events.reports.empty()) return {};
  auto report = std::move(events.reports.begin()->second);
  events.reports.erase(events.reports.begin());
  return report;
}

RunReport Scene::run(const RunRequest& request) {
  start(request);
  return wait_report();
}

bool Scene::wait_for_file(const std::string& name) {
  return wait_until([&] {
    for (const auto& entry : fs::directory_iterator(host->workspaces())) {
      if (fs::exists(entry.path() / "upper/build" / name)) return true;
    }
    return false;
  });
}

std::size_t Scene::workspaces() const {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(host->workspaces())) {
    if (entry.path().filename().string().substr(0, 4) == "task") ++count;
  }
  return count;
}

bool Scene::is_in_memory() const {
  struct statfs info {};
  return ::statfs(host->workspaces().c_str(), &info) == 0 && info.f_type == TMPFS_MAGIC;
}

std::uint64_t Scene::free_bytes() const {
  struct statfs info {};
  if (::statfs(host->workspaces().c_str(), &info) != 0) return 0;
  return static_cast<std::uint64_t>(info.f_bavail) * static_cast<std::uint64_t>(info.f_bsize);
}

pid_t Scene::nursery() const {
  return children_of(::getpid()).at(0);
}

pid_t Scene::executor_process() const {
  return children_of(nursery()).at(0);
}

std::string out(const RunReport& report) {
  return report.standard_output.read().value_or("(unreadable)");
}

std::string err(const RunReport& report) {
  return report.standard_error.read().value_or("(unreadable)");
}

std::string output(const RunReport& report, const std::string& path) {
  const auto collected = collect_outputs(report.upper(), report.outputs);
  if (!collected) return "error: " + collected.error().message;
  for (const auto& one : *collected) {
    if (one.path == path) return read_all(one.file.get()).value_or("(unreadable)");
  }
  return "(none)";
}

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace kiln::worker
