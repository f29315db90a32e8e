// What a task sees, and what it cannot.
#include <algorithm>
#include <fstream>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/worker/executor/scene.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

class Root : public testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(Worker, Root, testing::Values(As::itself, As::ordinary_user), as_name);

TEST_P(Root, gives_exit_code_and_both_streams) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = scene.run("echo to out; echo to err >&2; exit 7");
    EXPECT_EQ(report.outcome, Outcome::exited) << report.message;
    EXPECT_EQ(report.exit_code, 7);
    EXPECT_EQ(out(report), "to out\n");
    EXPECT_EQ(err(report), "to err\n");
    EXPECT_GT(report.usage.run_us, 0U);
    EXPECT_GT(report.usage.root_us, 0U);
    EXPECT_GT(report.usage.max_rss_bytes, 0U);
  });
}

TEST_P(Root, tells_the_commands_own_signal) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = scene.run("kill -TERM $$");
    EXPECT_EQ(report.outcome, Outcome::signalled);
    EXPECT_EQ(report.signal, SIGTERM);
  });
}

TEST_P(Root, keeps_a_large_output_whole) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = scene.run("yes 0123456789 | head -n 500000; yes e | head -n 100000 >&2");
    EXPECT_EQ(out(report).size(), 5'500'000U);
    EXPECT_EQ(err(report).size(), 200'000U);
  });
}

TEST_P(Root, gives_environment_cwd_umask_and_arguments_exactly) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("");
    request.program = "/bin/env";
    request.argv = {"named otherwise"};
    request.environment = {{"B", "two words"}, {"A", ""}, {"PATH", "/nowhere"}};
    EXPECT_EQ(out(scene.run(request)), "B=two words\nA=\nPATH=/nowhere\nKILN_EXECUTOR=1\n");
    request = scene.shell("pwd; umask; touch made; stat -c %a made; echo \"$0|$1\"");
    request.argv.insert(request.argv.end(), {"zero", "one \n'\""});
    request.umask = 027;
    EXPECT_EQ(out(scene.run(request)), "/build\n0027\n640\nzero|one \n'\"\n");
  });
}

TEST_P(Root, takes_requests_of_any_size) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("echo ${#LONG}");
    request.environment.emplace_back("LONG", std::string(120'000, 'x'));
    for (int i = 0; i < 20; ++i) request.argv.push_back(std::string(50'000, 'y'));
    EXPECT_EQ(out(scene.run(request)), "120000\n");
  });
}

TEST_P(Root, is_no_superuser_and_is_not_pid_1) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = scene.run(
        "test $(id -u) -ne 0 && test $(id -g) -ne 0 && test $$ -ne 1 && id -G;"
        "cat /proc/self/status | while read key value rest; do"
        " case $key in Cap*|NoNewPrivs:|Seccomp:) echo $key $value;; esac; done");
    EXPECT_EQ(report.exit_code, 0) << err(report);
    EXPECT_NE(out(report).find("CapEff: 0000000000000000"), std::string::npos) << out(report);
    EXPECT_NE(out(report).find("CapPrm: 0000000000000000"), std::string::npos);
    EXPECT_NE(out(report).find("CapBnd: 0000000000000000"), std::string::npos);
    EXPECT_NE(out(report).find("NoNewPrivs: 1"), std::string::npos);
    EXPECT_NE(out(report).find("Seccomp: 2"), std::string::npos);
  });
}

TEST_P(Root, shows_only_its_own_processes_and_descriptors) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report =
        scene.run("for p in /proc/[0-9]*; do echo ${p#/proc/}; done; echo; ls -1 /proc/$$/fd; cat");
    // The shell alone: its init is hidden. Descriptor 10 would be dash's own; 0 to 2 are the
    // task's.
    EXPECT_EQ(out(report), "2\n\n0\n1\n2\n");
    EXPECT_NE(scene.run("cat /proc/1/cmdline").exit_code, 0);
  });
}

TEST_P(Root, makes_no_namespaces_and_no_mounts) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = scene.run("unshare -U true || unshare -n true || mount -t tmpfs x /tmp");
    EXPECT_NE(report.exit_code, 0);
    std::istringstream lines(err(report));
    std::string line;
    int refused = 0;
    while (std::getline(lines, line)) {
      if (line.find("Operation not permitted") != std::string::npos) ++refused;
    }
    EXPECT_GE(refused, 2) << err(report);
  });
}

TEST_P(Root, shares_no_memory_and_no_keyring_with_the_next_task) {
  run_as(GetParam(), [] {
    Scene scene;
    const std::string make = "ipcmk -M 4096 -p 0666 >/dev/null; cat /proc/sysvipc/shm";
    const auto lines = [](const std::string& text) {
      return std::count(text.begin(), text.end(), '\n');
    };
    EXPECT_EQ(lines(out(scene.run(make))), 2);  // a title, and its own
    EXPECT_EQ(lines(out(scene.run(make))), 2);
    const std::string keyring =
        "while read serial rest; do case $rest in *_ses*) echo $serial;; esac; done </proc/keys";
    // A task also sees those of its user's other processes, so it is counted how many there were.
    constexpr std::size_t kTasks = 5;
    std::set<std::string> seen;
    for (std::size_t task = 0; task < kTasks; ++task) {
      std::istringstream serials(out(scene.run(keyring)));
      for (std::string serial; serials >> serial;) seen.insert(serial);
    }
    EXPECT_TRUE(seen.empty() || seen.size() >= kTasks);  // some kernels have no keys
  });
}

TEST_P(Root, has_no_network_but_its_own_loopback_and_its_own_name) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = scene.run("hostname; while read line; do echo $line; done </proc/net/dev");
    std::istringstream lines(out(report));
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(line, "kiln");
    std::vector<std::string> interfaces;
    while (std::getline(lines, line)) {
      const auto colon = line.find(':');
      if (colon != std::string::npos) interfaces.push_back(line.substr(0, colon));
    }
    // Kernels with tunnel modules give every namespace their idle devices too, so none that carry.
    EXPECT_NE(std::find(interfaces.begin(), interfaces.end(), "lo"), interfaces.end());
    for (const auto& name : interfaces) EXPECT_NE(name.substr(0, 3), "eth") << name;
  });
}

TEST_P(Root, shows_nothing_of_the_machine) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto host_file = scene.directory.path() / "secret";
    write_text(host_file, "secret");
    const auto report = scene.run("ls -1A /; ls -1A /dev /tmp; cat " + host_file.string() +
                                  " /etc/passwd; cat /proc/self/mountinfo");
    EXPECT_EQ(out(report).find("secret"), std::string::npos);
    EXPECT_EQ(out(report).find("root:"), std::string::npos);
    EXPECT_EQ(out(report).find(scene.directory.path().string()), std::string::npos) << out(report);
    EXPECT_EQ(out(report).find("/dev/vda"), std::string::npos) << out(report);
    const std::string expected_dev =
        "/dev:\nfd\nfull\nnull\nrandom\nshm\nstderr\nstdin\nstdout\nurandom\nzero\n\n/tmp:\n";
    EXPECT_NE(out(report).find(expected_dev), std::string::npos) << out(report);
  });
}

TEST_P(Root, has_devices_that_work_and_cannot_be_changed) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = scene.run(
        "echo gone >/dev/null && head -c 3 /dev/zero >three && stat -c %s three &&"
        " head -c 5 /dev/urandom >five && stat -c %s five && stat -c %a /tmp;"
        " touch /dev/new || rm -f /dev/null || chmod 600 /dev/null || echo fixed");
    EXPECT_EQ(out(report), "3\n5\n1777\nfixed\n") << err(report);
  });
}

TEST_P(Root, leaves_the_trees_as_they_were) {
  run_as(GetParam(), [] {
    Scene scene;
    write_text(scene.inputs() / "build/a.c", "int a;\n");
    write_text(scene.inputs() / "build/b.c", "int b;\n");
    struct stat before {};
    ::stat((scene.inputs() / "build").c_str(), &before);
    const auto report = scene.run("echo changed >a.c; rm b.c; echo more >c.c; cat a.c; ls");
    EXPECT_EQ(err(report).find("b.c"), std::string::npos);
    std::ifstream file(scene.inputs() / "build/a.c");
    std::string line;
    std::getline(file, line);
    EXPECT_EQ(line, "int a;");
    EXPECT_TRUE(fs::exists(scene.inputs() / "build/b.c"));
    EXPECT_FALSE(fs::exists(scene.inputs() / "build/c.c"));
    struct stat after {};
    ::stat((scene.inputs() / "build").c_str(), &after);
    EXPECT_EQ(before.st_uid, after.st_uid);
    EXPECT_EQ(before.st_mode, after.st_mode);
    EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    EXPECT_EQ(out(scene.run("cat a.c b.c")), "int a;\nint b;\n");
  });
}

TEST_P(Root, stacks_many_trees_and_sees_inputs_under_tmp) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("cat /many/*; cat /tmp/in/put; echo x >/tmp/out; cat /tmp/out");
    std::string expected;
    for (int i = 10; i < 60; ++i) {
      const auto number = std::to_string(i);
      const auto tree = scene.directory.path() / ("a tree, with: odd=name \\ " + number);
      write_text(tree / "many" / number, number + "\n");
      request.lowers.insert(request.lowers.begin(), tree);
      expected += number + "\n";
    }
    write_text(scene.inputs() / "tmp/in/put", "input\n");
    write_text(request.lowers.front() / "many/10", "hides the lower one\n");
    expected.replace(0, 3, "hides the lower one\n");
    const auto report = scene.run(request);
    EXPECT_EQ(out(report), expected + "input\nx\n") << err(report) << report.message;
  });
}

TEST_P(Root, follows_a_tmp_that_is_a_link) {
  run_as(GetParam(), [] {
    Scene scene;
    fs::create_directories(scene.inputs() / "private/tmp");
    fs::create_symlink("private/tmp", scene.inputs() / "tmp");
    const auto report = scene.run("echo x >/tmp/y && cat /private/tmp/y");
    EXPECT_EQ(out(report), "x\n") << err(report);
  });
}

TEST_P(Root, says_why_a_command_did_not_start) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("true");
    request.program = "/bin/missing";
    auto report = scene.run(request);
    EXPECT_EQ(report.outcome, Outcome::not_started);
    EXPECT_NE(report.message.find("/bin/missing"), std::string::npos) << report.message;
    request = scene.shell("true");
    request.cwd = "/absent";
    report = scene.run(request);
    EXPECT_EQ(report.outcome, Outcome::not_started);
    EXPECT_NE(report.message.find("/absent"), std::string::npos) << report.message;
    request = scene.shell("true");
    request.lowers.insert(request.lowers.begin(), scene.directory.path() / "gone");
    report = scene.run(request);
    EXPECT_EQ(report.outcome, Outcome::not_started);
    EXPECT_NE(report.message.find("gone"), std::string::npos) << report.message;
    EXPECT_EQ(scene.run("exit 0").outcome, Outcome::exited);
  });
}

TEST_P(Root, starts_commands_with_default_signals_and_their_own_session) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = scene.run(
        "while read key value; do case $key in Sig[BI]*) echo $key $value;; esac; done"
        " </proc/self/status; read pid name state parent group session rest </proc/self/stat;"
        " test $session = $$ && echo own session");
    EXPECT_EQ(out(report), "SigBlk: 0000000000000000\nSigIgn: 0000000000000000\nown session\n");
  });
}

}  // namespace
}  // namespace kiln::worker
