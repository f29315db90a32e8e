// The stub in real programs, without any namespace.
#include <array>
#include <csignal>
#include <fstream>
#include <functional>

#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "worker/forkserver/stub_client.h"
#include "worker/forkserver/stub_image.h"
#include "worker/forkserver/stub_wire.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kChildSeconds = 30;

TimePoint soon() {
  return Clock::now() + seconds(10);
}

// In a child that adopts orphans, as a namespace's init does; its failures are this test's.
void in_child(const std::function<void()>& body) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ::alarm(kChildSeconds);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    body();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

// A program that waits before its main, and what it is asked to run.
class Held {
 public:
  explicit Held(const std::string& program) {
    std::string name = (fs::temp_directory_path() / "kiln-stub.XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    EXPECT_TRUE(write_stub(directory_ / "stub.so"));
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], KILN_STUB_SOCKET);
      ::close_range(KILN_STUB_SOCKET + 1, ~0U, 0);
      const auto preload = "LD_PRELOAD=" + (directory_ / "stub.so").string();
      ::execle(
          program.c_str(), program.c_str(), nullptr,
          std::array<const char*, 3>{preload.c_str(), KILN_STUB_VARIABLE "=1", nullptr}.data());
      ::_exit(126);
    }
    ::close(ends[1]);
    client.emplace(UniqueFd(ends[0]));
  }
  ~Held() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    fs::remove_all(directory_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  // Its exit code; what it wrote is in `text`.
  int run(CommandSpec spec) {
    const UniqueFd out(::open((directory_ / "out").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    spec.standard_output = out.get();
    spec.standard_error = out.get();
    const auto started = client->start(spec, soon());
    EXPECT_TRUE(started) << started.error().message;
    if (!started) return -1;
    int status = 0;
    EXPECT_EQ(::waitpid(started->pid, &status, 0), started->pid);
    text = *read_file(directory_ / "out");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const fs::path& directory() const { return directory_; }

  std::optional<StubClient> client;
  std::string text;

 private:
  fs::path directory_;
  pid_t pid_ = -1;
};

CommandSpec command(std::vector<std::string> argv, std::vector<std::string> environment = {}) {
  CommandSpec spec;
  spec.program = argv.front();
  spec.argv = std::move(argv);
  spec.environment = std::move(environment);
  spec.cwd = "/";
  return spec;
}

TEST(Stub, needs_no_library_and_no_version) {
  std::string image(stub_image());
  ASSERT_GT(image.size(), sizeof(Elf64_Ehdr));
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(image.data());
  const auto* parts = reinterpret_cast<const Elf64_Phdr*>(image.data() + header->e_phoff);
  int dynamic_parts = 0;
  for (int i = 0; i < header->e_phnum; ++i) {
    if (parts[i].p_type != PT_DYNAMIC) continue;
    ++dynamic_parts;
    const auto* entry = reinterpret_cast<const Elf64_Dyn*>(image.data() + parts[i].p_offset);
    for (; entry->d_tag != DT_NULL; ++entry) {
      EXPECT_NE(entry->d_tag, DT_NEEDED);
      EXPECT_NE(entry->d_tag, DT_VERNEED);
      EXPECT_NE(entry->d_tag, DT_VERSYM);
    }
  }
  EXPECT_EQ(dynamic_parts, 1);
}

TEST(Stub, gives_each_fork_its_own_arguments_environment_directory_and_umask) {
  in_child([] {
    Held held("/bin/sh");
    ASSERT_TRUE(held.client->wait_hello(soon()));
    for (const std::string word : {"first", "the second"}) {
      auto spec =
          command({"sh", "-c", "echo \"$0 $1 $A\"; pwd; umask; ulimit -c; exit 7", "zero", word},
                  {"A=" + word + "!", "PATH=/bin"});
      spec.cwd = "/usr";
      spec.umask = 027;
      EXPECT_EQ(held.run(spec), 7);
      EXPECT_EQ(held.text, "zero " + word + " " + word + "!\n/usr\n0027\n0\n");
    }
    EXPECT_EQ(held.run(command({"sh", "-c", "export -p; exec ls -1 /proc/self/fd"}, {"PATH=/bin"})),
              0);
    EXPECT_EQ(held.text, "export PATH='/bin'\nexport PWD='/'\n0\n1\n2\n3\n");
  });
}

TEST(Stub, takes_arguments_of_any_size) {
  in_child([] {
    Held held("/bin/sh");
    ASSERT_TRUE(held.client->wait_hello(soon()));
    const std::string large(3'000'000, 'x');
    EXPECT_EQ(held.run(command({"sh", "-c", "echo ${#1}", "sh", large})), 0);
    EXPECT_EQ(held.text, "3000000\n");
  });
}

TEST(Stub, makes_the_tasks_process_a_child_of_the_init_and_the_leader_of_a_session) {
  in_child([] {
    Held held("/bin/sh");
    ASSERT_TRUE(held.client->wait_hello(soon()));
    // What forked it may not yet be gone when its main begins.
    const auto script =
        "looks=0; while [ $looks -lt 100000 ]; do looks=$((looks + 1)); "
        "read pid name state parent group session rest </proc/self/stat; "
        "[ $parent != $1 ] || break; done; test $session = $$ && echo $parent";
    const auto own = std::to_string(::getpid());
    EXPECT_EQ(held.run(command({"sh", "-c", script, "sh", own})), 0);
    EXPECT_EQ(held.text, own + "\n");
  });
}

TEST(Stub, says_why_a_task_cannot_begin_and_goes_on) {
  in_child([] {
    Held held("/bin/sh");
    ASSERT_TRUE(held.client->wait_hello(soon()));
    auto spec = command({"sh", "-c", "exit 3"});
    spec.cwd = "/nowhere at all";
    spec.standard_output = spec.standard_error = 2;
    const auto started = held.client->start(spec, soon());
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message.find("/nowhere at all"), std::string::npos);
    EXPECT_EQ(held.run(command({"sh", "-c", "exit 3"})), 3);
  });
}

TEST(Stub, that_is_not_asked_for_runs_the_program) {
  in_child([] {
    std::string name = (fs::temp_directory_path() / "kiln-stub.XXXXXX").string();
    const fs::path directory = ::mkdtemp(name.data());
    ASSERT_TRUE(write_stub(directory / "stub.so"));
    const auto line = "LD_PRELOAD=" + (directory / "stub.so").string() + " sh -c 'exit 9'";
    EXPECT_EQ(WEXITSTATUS(std::system(line.c_str())), 9);
    fs::remove_all(directory);
  });
}

TEST(Stub, holds_a_compiler_whose_fork_compiles) {
  in_child([] {
    Held held("/usr/bin/clang-14");
    ASSERT_TRUE(held.client->wait_hello(soon()));
    std::ofstream(held.directory() / "a.c") << "int main(void) { return 0; }\n";
    auto spec = command({"/usr/bin/clang-14", "-c", "a.c", "-o", "a.o"}, {"PATH=/usr/bin:/bin"});
    spec.cwd = held.directory().string();
    EXPECT_EQ(held.run(spec), 0) << held.text;
    EXPECT_TRUE(fs::exists(held.directory() / "a.o"));
  });
}

TEST(Stub, of_a_program_that_ends_early_is_an_error) {
  in_child([] {
    Held held("/nowhere/at/all");
    const auto said = held.client->wait_hello(soon());
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().code, Errc::unavailable);
  });
}

}  // namespace
}  // namespace kiln::worker
