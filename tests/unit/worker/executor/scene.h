// A host with one executor, and a root with a shell and the core utilities, for tests that run real
// tasks in real namespaces.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "worker/executor/executor_host.h"

namespace kiln::worker {

// Who the worker is in a test. Where the tests themselves run as an ordinary user, both are that.
enum class As { itself, ordinary_user };
std::string as_name(const testing::TestParamInfo<As>& info);

// Runs `body` in a child process as `who`, in which it is the only thread; its failures are this
// test's. The child is killed after 40 s.
void run_as(As who, const std::function<void()>& body);

// kiln-nursery, as also a user finds it who may not enter the folder where it was built.
std::filesystem::path nursery_program();

class TestDirectory {
 public:
  TestDirectory();
  ~TestDirectory();
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Records what a host says.
class Recorder : public ExecutorEvents {
 public:
  void executor_ready(ExecutorId id) override { ready.push_back(id); }
  void task_finished(ExecutorId id, RunReport report) override {
    reports.emplace(id, std::move(report));
  }
  void executor_died(ExecutorId id, Error reason) override { died.emplace(id, std::move(reason)); }
  void executor_stopped(ExecutorId id) override { stopped.push_back(id); }
  void template_ready(TemplateId id) override { ready_templates.push_back(id); }
  void template_died(TemplateId id, const Error& reason) override {
    executors_dead_before_template = died.size();
    dead_templates.emplace(id, reason);
  }
  void host_failed(Error reason) override { failed = std::move(reason); }

  std::vector<ExecutorId> ready;
  std::multimap<ExecutorId, RunReport> reports;
  std::map<ExecutorId, Error> died;
  std::vector<ExecutorId> stopped;
  std::vector<TemplateId> ready_templates;
  std::map<TemplateId, Error> dead_templates;
  std::size_t executors_dead_before_template = 0;
  std::optional<Error> failed;
};

// The children of a process, now.
std::vector<pid_t> children_of(pid_t parent);
std::size_t open_descriptors_of(pid_t pid);

// For a scope: no more descriptors for this process than it has now.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors();
  ~NoMoreDescriptors();
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

class Scene {
 public:
  explicit Scene(bool in_memory = true);
  // In its own directory, whatever the options say.
  explicit Scene(HostOptions options);

  // `script` for the shell, in /build, with a few usual settings.
  RunRequest shell(const std::string& script) const;
  // Runs it on the scene's executor and waits.
  RunReport run(const RunRequest& request);
  RunReport run(const std::string& script) { return run(shell(script)); }
  void start(const RunRequest& request);
  RunReport wait_report();
  // Pumps the host until `condition` holds; fails the test after a minute.
  bool wait_until(const std::function<bool()>& condition);
  ExecutorId make_executor(const ExecutorSpec& spec = {});
  // Waits until executors can be forked from it.
  TemplateId make_template();
  // Puts an executor that holds these programs of the scene's tools in the place of the scene's.
  void hold(const std::vector<std::string>& programs);
  // Waits for a file that the running task makes in /build.
  bool wait_for_file(const std::string& name);

  std::filesystem::path inputs() const { return directory.path() / "inputs"; }
  std::filesystem::path tools() const { return directory.path() / "tools"; }
  std::filesystem::path scratch() const { return directory.path() / "scratch"; }
  std::size_t workspaces() const;  // that were not released
  // Whether the tasks' directories are in memory: for an ordinary user only since Linux 6.6.
  bool is_in_memory() const;
  std::uint64_t free_bytes() const;  // of the file system that holds the workspaces
  pid_t nursery() const;
  pid_t executor_process() const;  // of the only executor

  TestDirectory directory;
  Recorder events;
  std::unique_ptr<ExecutorHost> host;
  ExecutorId executor{};
};

// stdout and stderr as text.
std::string out(const RunReport& report);
std::string err(const RunReport& report);
// The content of the first collected output of that declared path; "(none)" when there is none.
std::string output(const RunReport& report, const std::string& path);
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace kiln::worker
