"""What people read and write of pools: `kiln pool`, `kiln pools`, `kiln warm`, `kiln nodes`."""

import pathlib
import shlex
import unittest

import kilntest
from kilntest import pools
from kilntest.screen import Terminal

STEP = 'sh -c "echo ready > /tmp/ready && read word < /tmp/ready && echo the word is $word"'


class PoolWordsTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=2, worker_flags=lambda number: [
            "--label", f"zone={'ab'[number]}"])
        cls.folder = cls.farm.directory / "projects"
        cls.farm.prime("gcc", "clang")

    def make(self, name, *words, check=True):
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", name])
        return pools.create(self.farm, name, *words, check=check)

    def says(self, *words, code=0):
        done = self.farm.client(["kiln", *words])
        text = (done.stdout if code == 0 else done.stderr).decode()
        self.assertEqual(code, done.returncode, done.stderr.decode())
        self.assertEqual([], [line for line in text.splitlines() if len(line) > 80])
        return " ".join(text.split())

    def test_a_pool_that_is_shown_can_be_made_again_from_it(self):
        self.make("whole", "--context", "fork", "--toolchain", "sh", "--init", STEP,
                  "--env", "GREETING=good day", "--window", "mon-fri 8:00-20:00 1",
                  "--limit", "time=10m,memory=2G", "--idle", "10m", "--keep", "/bin/sh",
                  "--executors", "1", "--nodes", "zone=a")
        shown = self.farm.client(["kiln", "pool", "show", "whole"], check=True).stdout.decode()
        command = shown[shown.index("kiln pool create"):].split("\nNODE")[0]
        again = self.farm.client([*shlex.split(command.replace("\\\n", " ")), "--json"])
        self.assertEqual(0, again.returncode, again.stderr.decode())
        self.assertIn('"existed":true', again.stdout.decode())

    def test_what_differs_is_told_in_the_words_of_the_options(self):
        self.make("differs", "--executors", "1")
        told = self.says("pool", "create", "differs", "--executors", "2", "--idle", "10m", code=1)
        self.assertIn("--executors is 1, not 2; --idle is unset, not 10m", told)

    def test_states_and_labels_are_shown(self):
        self.make("there", "--executors", "1", "--warm", "all")
        self.make("shaky", "--toolchain", "sh", "--init", "sh -c 'echo one; echo two; exit 3'",
                  "--executors", "1", "--warm", "all", check=False)
        pools.wait_pool(self.farm, "shaky", lambda pool: pool["state"] == "broken", "it to break",
                        60)
        listed = {line.split()[0]: line.split() for line in
                  self.farm.client(["kiln", "pools"]).stdout.decode().splitlines()}
        self.assertEqual(["there", "ready", "spawn", "2", "0", "2"], listed["there"][:6])
        self.assertEqual(["shaky", "broken", "spawn", "2", "2", "0"], listed["shaky"][:6])
        self.assertIn("    one\n    two\n",
                      self.farm.client(["kiln", "pool", "show", "shaky"]).stdout.decode())
        self.assertIn("w0: zone=a w1: zone=b", self.says("nodes"))

    def test_a_step_that_no_node_took_has_no_time(self):
        self.make("untried", "--executors", "1")
        shown = self.says("pool", "show", "untried")
        self.assertIn("w0 cold 0/1 0 - - - 0 0", shown)
        self.assertNotIn(" 0 ms", shown)

    def test_what_cannot_be_is_refused_when_the_pool_is_made(self):
        for words, says in (
                (("--toolchain", "sh", "--keep", "/no/such"), "--keep: /no/such: No such file"),
                (("--toolchain", "sh", "--init", "/no/such"), "--init: '/no/such' is no program"),
                (("--toolchain", "gcc", "--init", "sh -c true"), "steps run in its root"),
                (("--toolchain", "sh", "--init", "sh", "--init-timeout", "2h"),
                 "--init-timeout: 2h is too much, at most 1h")):
            with self.subTest(words):
                self.assertIn(says, self.says("pool", "create", "none", *words, code=1))

    def test_a_step_that_needs_a_shell_has_one_where_the_first_toolchain_is_one(self):
        page = pathlib.Path(__file__).parents[2] / "docs/pools.md"
        self.assertIn(f"--init '{STEP}'", page.read_text())
        made = self.make("shell", "--toolchain", "sh", "--toolchain", "gcc", "--init", STEP,
                         "--warm", "all")
        self.assertEqual([2, 2], [node["pool"]["ready"] for node in made["nodes"]])

    def test_a_script_travels_with_its_interpreter(self):
        script = self.folder / "say"
        script.write_text("#!/bin/sh\necho said $1\n")
        script.chmod(0o755)
        made = self.make("script", "--toolchain", "./say", "--warm", "all")
        self.assertEqual([2, 2], [node["pool"]["ready"] for node in made["nodes"]])
        done = pools.compile_in(self.farm, "script", ["run", "--", "./say", "it"], check=True)
        self.assertEqual(b"said it\n", done.stdout)
        script.write_text("#!\necho said\n")
        self.assertIn("say is a script that names no interpreter",
                      self.says("pool", "create", "none", "--toolchain", "./say", code=1))

    def test_warming_says_when_the_pool_does_not_hold_the_builds_compiler(self):
        self.make("clangs", "--toolchain", "clang", "--executors", "1")
        (self.folder / "w.c").write_text("int w;\n")
        (self.folder / "db.json").write_text(
            f'[{{"directory": "{self.folder}", "file": "w.c", "command": "gcc -c w.c -o w.o"}}]')
        told = self.says("warm", "--pool", "clangs", "--compile-commands", "db.json")
        self.assertIn("the pool clangs does not hold gcc", told)
        missing = self.says("warm", "--compile-commands", "none.json", code=1)
        self.assertEqual(1, missing.count("none.json"), missing)

    def in_terminal(self, *words, columns=80, env=None):
        """The command with a terminal that controls it and is its streams, both."""
        terminal = Terminal(columns)
        self.addCleanup(terminal.close)
        process = self.farm.start_client(["setsid", "--ctty", "kiln", *words],
                                         stdin=terminal.theirs, stdout=terminal.theirs,
                                         stderr=terminal.theirs, env=env)
        terminal.started()
        return process, terminal

    def test_progress_has_a_row_for_each_node_and_is_gone_at_the_end(self):
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "seen"])
        process, terminal = self.in_terminal("pool", "create", "seen", "--toolchain", "sleep",
                                             "--init", "sleep 5", "--warm", "all")
        terminal.wait_for("initialising")
        lines = self.whole_progress(terminal)
        self.assertRegex(lines[0], r"^seen: .* m?s, waits for [12] of 2 nodes$")
        self.assertEqual(["NODE", "STATE", "READY", "STAGE", "START", "INIT"], lines[1].split())
        self.assertEqual(["w0", "w1"], [line.split()[0] for line in lines[2:4]])
        self.assertEqual("", lines[4])
        self.assertEqual(0, terminal.wait_end(process))
        lines, row = terminal.screen()
        self.assertTrue(lines[0].startswith("pool         seen: ready"), lines)
        self.assertEqual(["w0 ready 2/2", "w1 ready 2/2"],
                         [" ".join(line.split()[:3]) for line in lines[-3:-1]])
        self.assertEqual((len(lines) - 1, ""), (row, lines[-1]))

    def whole_progress(self, terminal):
        """A title, the columns' names, a row for each of two nodes, and the cursor below them."""
        def whole():  # not in the middle of being drawn
            lines, row = terminal.screen()
            names = [line.split()[0] for line in lines[1:-1] if line]
            return lines if (names, row) == (["NODE", "w0", "w1"], 4) else None
        return kilntest.wait_until(whole, "all of the progress")

    def test_a_terminal_that_cannot_draw_gets_lines_alone(self):
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "dumb"])
        process, terminal = self.in_terminal("pool", "create", "dumb", "--toolchain", "sleep",
                                             "--warm", "all", env={"TERM": "dumb"})
        self.assertEqual(0, terminal.wait_end(process))
        self.assertTrue(terminal.read().startswith("pool         dumb: ready"), terminal.read())
        self.assertNotIn("\x1b", terminal.read())

    def test_rows_of_progress_fit_a_narrow_terminal(self):
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "narrow"])
        process, terminal = self.in_terminal("pool", "create", "narrow", "--toolchain", "sleep",
                                             "--init", "sleep 5", "--warm", "all", columns=42)
        self.whole_progress(terminal)
        self.assertEqual(0, terminal.wait_end(process))
        self.assertTrue(terminal.screen()[0][0].startswith("pool         narrow"))

    def test_when_the_time_is_over_the_nodes_are_shown_before_the_error(self):
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "late"])
        words = ("pool", "create", "late", "--toolchain", "sleep", "--init", "sleep 50", "--warm",
                 "all", "--timeout", "1s")
        process, terminal = self.in_terminal(*words)
        self.assertEqual(1, terminal.wait_end(process))
        text = "\n".join(terminal.screen()[0])
        self.assertRegex(text, r"(?s)^pool         late: .*\nw0 +warming .*\n"
                               r"kiln: the pool late is not as warm as asked after 1 s")
        done = self.farm.client(["kiln", *words])  # without a terminal
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stdout.decode(), r"(?m)^w0 +warming")
        self.assertTrue(done.stderr.startswith(b"kiln: the pool late is not"), done.stderr)
        self.assertNotIn(b"\x1b", done.stdout + done.stderr)

    def test_an_interrupt_clears_the_progress_and_says_what_goes_on(self):
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "slow"])
        process, terminal = self.in_terminal("pool", "create", "slow", "--toolchain", "sleep",
                                             "--init", "sleep 50", "--warm", "all")
        terminal.wait_for("waits for")
        terminal.type(b"\x03")
        self.assertEqual(130, process.wait(timeout=30))
        self.assertIn("^C", terminal.read())  # which the terminal writes itself
        self.assertEqual(["kiln: interrupted; the pool slow goes on warming: kiln pool show slow",
                          ""], terminal.screen()[0])

    def test_an_interrupt_while_a_toolchain_is_brought_leaves_nothing_behind(self):
        (self.folder / "endless.c").write_text("int main(void) { for (;;) {} }\n")
        self.farm.client(["gcc", "endless.c", "-o", "endless"], check=True)
        process, terminal = self.in_terminal("pool", "create", "never", "--toolchain", "./endless")

        def runs():
            return any("endless --version" in line for worker in self.farm.workers
                       for _, line in worker.host.processes())
        kilntest.wait_until(runs, "the tool to be asked what it is on a node")
        self.assertEqual(["packaging ./endless, and bringing it to a node", ""],
                         terminal.screen()[0])
        terminal.type(b"\x03")
        self.assertEqual(130, process.wait(timeout=30), terminal.read())
        lines = terminal.screen()[0]
        self.assertTrue(lines[0].startswith("kiln: interrupted before the answer came"), lines)
        kilntest.wait_until(lambda: not runs(), "the task to be gone from its node")
        self.assertIn("never", self.says("pool", "show", "never", code=1))

    def test_a_run_that_did_not_write_its_output_fails(self):
        done = self.farm.client(["kiln", "run", "--output", "none.txt", "--", "true"])
        self.assertEqual(1, done.returncode)
        self.assertIn("did not write none.txt", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
