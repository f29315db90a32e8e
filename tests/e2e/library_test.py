"""Kiln as a library: installed, found by CMake, and used by programs on a real farm."""

import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import unittest

import kilntest
from kilntest import pools

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["KILN_BIN_DIR"]).parent
EXAMPLE = SOURCE / "examples" / "compile_all"
FOREVER = ("sh", "-c", "while :; do :; done")
ANSWER_SECONDS = 120


def run(*argv):
    done = subprocess.run([str(word) for word in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{argv} ended with {done.returncode}\n{done.stdout}")
    return done.stdout


class Installed:
    """Kiln below a prefix of its own, and what is built against it there."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="kl", dir="/var/tmp"))
        self.prefix = self.directory / "prefix"
        try:
            run("cmake", "--install", BUILD, "--prefix", self.prefix)
        except BaseException:
            self.remove()
            raise

    def remove(self):
        shutil.rmtree(self.directory)

    def build(self, source):
        """The folder with the program of that CMake project."""
        target = self.directory / source.name
        run("cmake", "-S", source, "-B", target, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
            f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", target)
        return target


class Driver:
    """A running library_driver: one question, one answer."""

    def __init__(self, farm, program, *options):
        self.process = farm.start_client([program, *map(str, options)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, bufsize=1)
        greeting = self._answer()
        if greeting != "connected":
            raise AssertionError(greeting)

    def ask(self, *words):
        self.say(*words)
        return self._answer()

    def say(self, *words):
        self.process.stdin.write("\t".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()

    def _answer(self):
        if not select.select([self.process.stdout], [], [], ANSWER_SECONDS)[0]:
            raise AssertionError(f"the driver did not answer within {ANSWER_SECONDS} s")
        return self.process.stdout.readline().rstrip("\n")

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(timeout=20)
        self.process.stdout.close()
        return status


class LibraryTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.installed = Installed()
        cls.addClassCleanup(cls.installed.remove)
        cls.program = cls.installed.build(SOURCE / "tests/e2e/library_driver") / "library_driver"
        cls.start_class_farm(workers=1, slots=2,
                             coordinator_flags=["--request-patience", "1s"])
        cls.folder = cls.farm.directory / "projects"
        cls.farm.prime("g++")

    def driver(self, *options):
        driver = Driver(self.farm, self.program, *options)
        self.addCleanup(driver.end)
        return driver

    def on_worker(self, word):
        return [line for _, line in self.farm.workers[0].host.processes() if word in line]

    def test_the_example_is_built_against_the_package_and_compiles(self):
        program = self.installed.build(EXAMPLE) / "compile_all"
        (self.folder / "good.cc").write_text("int good;\n")
        (self.folder / "bad.cc").write_text("int bad\n")
        done = self.farm.client([program, "default", "good.cc", "bad.cc"])
        self.assertEqual(1, done.returncode)
        self.assertEqual(b"good.cc: compiled on w0\nbad.cc: failed on w0\n", done.stdout)
        self.assertIn(b"bad.cc:1:8: error: expected", done.stderr)
        self.farm.client(["g++", "-c", "good.cc", "-o", "local.o"], check=True)
        self.assertEqual((self.folder / "local.o").read_bytes(),
                         (self.folder / "good.cc.o").read_bytes())

    def test_the_documentation_shows_the_example_word_for_word(self):
        text = (SOURCE / "docs/library.md").read_text()
        for name in ("main.cc", "CMakeLists.txt"):
            self.assertIn((EXAMPLE / name).read_text(), text)

    def test_pages_and_completions_are_installed_too(self):
        share = self.installed.prefix / "share"
        for place in ("man/man1/kiln.1", "man/man8/kiln-worker.8", "zsh/site-functions/_kiln",
                      "bash-completion/completions/kiln", "fish/vendor_completions.d/kiln.fish"):
            self.assertTrue((share / place).is_file(), place)

    def test_programs_see_nothing_of_kilns_own(self):
        archive = next((self.installed.prefix / "lib").rglob("libkiln.a"))
        listing = run("nm", "-g", "--defined-only", archive)
        names = [line.split()[2] for line in listing.splitlines() if len(line.split()) == 3]
        self.assertTrue([name for name in names
                         if name.startswith("_ZN4kiln2v16Client7connectE")], names)
        self.assertEqual([], [name for name in names if "4kiln2v1" not in name])
        for header in (self.installed.prefix / "include/kiln").iterdir():
            for line in header.read_text().splitlines():
                if line.startswith("#include"):
                    self.assertRegex(line, r"<(kiln/)?[a-z_.]+>$")

    def test_pool_conformance_row_13_two_thousand_in_flight_from_one_thread(self):
        driver = self.driver()
        driver.ask("submit", "first", "echo", "x")  # the toolchain travels once
        self.assertIn("code 0", driver.ask("wait", "first"))
        self.assertGreater(int(driver.ask("flood", 2000, "echo")), 1000)
        self.assertEqual("right 2000", driver.ask("drain"))
        self.assertEqual("0", driver.ask("pending"))

    def test_pool_conformance_row_3_tasks_outwait_an_initializer_that_outlasts_their_patience(self):
        driver = self.driver(3000)
        driver.ask("submit", "first", "echo", "x")  # the toolchain travels once
        self.assertIn("code 0", driver.ask("wait", "first"))
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "slow"])
        pools.create(self.farm, "slow", "--toolchain", "sleep", "--init", "sleep 12")
        self.assertEqual("used", driver.ask("use", "slow"))
        driver.ask("flood", 8, "echo")
        warming = pools.wait_pool(self.farm, "slow", lambda pool: pool["starting"] > 0, "warmth")
        self.assertEqual([0], [pool["ready"] for pool in warming.values()])
        self.assertEqual("right 8", driver.ask("drain"))

    def test_pool_conformance_row_14_failures_come_back_whole(self):
        driver = self.driver()
        script = "echo out; echo err >&2; exit 3"
        driver.ask("submit", "fails", "sh", "-c", script)
        driver.ask("submit", "dies", "sh", "-c", "echo half; kill -SEGV $$")
        driver.ask("submit", "talks", "head", "-c", 3_000_000, "/dev/zero")
        self.assertEqual("ended fails code 3 signal 0 out 4 [out\\n] err [err\\n]",
                         driver.ask("wait", "fails"))
        self.assertEqual("ended dies code 0 signal 11 out 5 [half\\n] err []",
                         driver.ask("wait", "dies"))
        self.assertIn("ended talks code 0 signal 0 out 3000000 ", driver.ask("wait", "talks"))

    def test_pool_conformance_row_20_a_time_limit_has_its_name_and_keeps_the_output(self):
        driver = self.driver()
        script = "echo so far; while :; do :; done"
        driver.ask("limit", "slow", 300, "sh", "-c", script)
        answer = driver.ask("wait", "slow")
        self.assertTrue(answer.startswith("failed slow time_limit reason time_limit out "
                                          "[so far\\n] "), answer)

    def test_what_cannot_run_remotely_says_so(self):
        driver = self.driver()
        driver.ask("submit", "none", "no-such-command")
        self.assertIn("failed none not_remote reason command_not_found", driver.ask("wait", "none"))
        driver.ask("compile", "links", "g++", "a.o", "-o", "a.out")
        self.assertIn("failed links not_remote reason ", driver.ask("wait", "links"))
        stats = self.farm.kiln("stats", "--json")
        self.assertIn("command_not_found", stats["failed"]["reasons"])
        self.assertEqual({}, stats["local"]["reasons"])

    def test_pool_conformance_row_18_cancel_of_queued_and_running_tasks(self):
        driver = self.driver()
        for name in ("one", "two"):
            driver.ask("submit", name, *FOREVER)
        kilntest.wait_until(lambda: len(self.on_worker("while :;")) >= 2, "both to run", 60)
        driver.ask("submit", "queued", "echo", "never")
        driver.ask("submit", "last", "echo", "last")
        driver.ask("cancel", "queued")
        self.assertIn("failed queued cancelled", driver.ask("wait", "queued"))
        for name in ("one", "two"):
            driver.ask("cancel", name)
            self.assertIn(f"failed {name} cancelled", driver.ask("wait", name))
        self.assertIn("[last\\n]", driver.ask("wait", "last"))
        kilntest.wait_until(lambda: not self.on_worker("while :;"), "their processes to be gone")

    def test_a_new_pool_is_warm_runs_tasks_and_can_be_removed(self):
        driver = self.driver()
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "made"])
        self.assertEqual("made w0 ready 1", driver.ask("new", "made"))
        shown = self.farm.kiln("pool", "show", "made", "--json")["pools"][0]
        self.assertIn(["--window", "mon-fri 8:00-20:00 1"], shown["options"])
        driver.ask("submit", "task", "echo", "x")
        self.assertIn("ended task code 0", driver.ask("wait", "task"))
        # Workers tell of their tasks when they report, not with each.
        kilntest.wait_until(lambda: self.farm.kiln("pool", "show", "made", "--json")
                            ["pools"][0]["nodes"][0]["pool"]["tasks"] == 1, "the task to be told")
        self.assertEqual("removed", driver.ask("remove"))
        self.assertEqual(1, self.farm.client(["kiln", "pool", "show", "made"]).returncode)

    def test_pool_conformance_row_28_closing_a_pool_ends_its_tasks(self):
        driver = self.driver()
        driver.ask("submit", "runs", *FOREVER)
        kilntest.wait_until(lambda: self.on_worker("while :;"), "it to run", 60)
        self.assertEqual("closed", driver.ask("close"))
        self.assertIn("failed runs closed", driver.ask("wait", "runs"))
        kilntest.wait_until(lambda: not self.on_worker("while :;"), "its process to be gone")
        driver.ask("submit", "late", "echo", "late")
        self.assertIn("failed late closed", driver.ask("wait", "late"))

    def test_pool_conformance_row_18_a_program_that_dies_takes_its_tasks_with_it(self):
        driver = Driver(self.farm, self.program)
        driver.ask("submit", "runs", *FOREVER)
        kilntest.wait_until(lambda: self.on_worker("while :;"), "it to run", 60)
        os.kill(self.farm.client_host.pid_of(driver.process), signal.SIGKILL)
        driver.process.wait(timeout=10)
        driver.process.stdin.close()
        driver.process.stdout.close()
        kilntest.wait_until(lambda: not self.on_worker("while :;"), "its process to be gone")

    def test_pool_conformance_row_29_the_agents_death_ends_tasks_at_once(self):
        driver = self.driver()
        driver.ask("submit", "runs", *FOREVER)
        kilntest.wait_until(lambda: self.on_worker("while :;"), "it to run", 60)
        os.kill(self.farm.agent_pid(), signal.SIGKILL)
        self.assertIn("failed runs agent_lost", driver.ask("wait", "runs"))
        driver.ask("submit", "next", "echo", "next")
        self.assertIn("ended next code 0", driver.ask("wait", "next"))
        kilntest.wait_until(lambda: not self.on_worker("while :;"), "the first to be gone", 30)


class LostFarmTest(kilntest.FarmCase):
    def test_pool_conformance_row_29_the_death_of_the_only_worker_ends_what_is_pending(self):
        installed = Installed()
        self.addCleanup(installed.remove)
        program = installed.build(SOURCE / "tests/e2e/library_driver") / "library_driver"
        farm = self.start_farm(workers=1, slots=1)
        driver = Driver(farm, program)
        self.addCleanup(driver.end)
        for name in ("runs", "waits"):
            driver.ask("submit", name, *FOREVER)
        kilntest.wait_until(
            lambda: any("while :;" in line for _, line in farm.workers[0].host.processes()),
            "one to run", 60)
        farm.kill_worker(0)
        for name in ("runs", "waits"):
            self.assertIn(f"failed {name} no_node", driver.ask("wait", name))


if __name__ == "__main__":
    unittest.main()
