"""`kiln top`: a page on a real terminal that follows a farm with real load."""

import os
import re
import signal
import unittest

import kilntest
from kilntest.rounds import Rounds
from kilntest.screen import Terminal

PAGE_UP, PAGE_DOWN = b"\x1b[5~", b"\x1b[6~"
# Of a farm whose two workers have four slots each.
SLOTS = 8


def begins(*words):
    """Whether there is a line that begins with these words."""
    def condition(lines):
        return any(line.split()[:len(words)] == list(words) for line in lines)
    return condition


def has(text):
    return lambda lines: any(text in line for line in lines)


def lacks(text):
    return lambda lines: not has(text)(lines)


class TopTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=2, slots=SLOTS // 2)
        cls.farm.prime("gcc")

    def start(self, *words, columns=80, lines=24, env=None):
        """`kiln top` in the foreground of a terminal that has a prompt; its settings before."""
        self.terminal = Terminal(columns, lines)
        self.addCleanup(self.terminal.close)
        os.write(self.terminal.theirs, b"$ kiln top\n")
        before = self.terminal.settings()
        self.process = self.farm.start_client(
            ["setsid", "--ctty", "kiln", "top", *words], stdin=self.terminal.theirs,
            stdout=self.terminal.theirs, stderr=self.terminal.theirs, env=env)
        # Open until the end, so that what it gives back can be seen.
        self.addCleanup(self.terminal.started)
        self.addCleanup(self.end, self.process)
        return before

    def end(self, process):
        """Of the process itself, not of what brought it to its host."""
        if process.poll() is None:
            os.kill(self.farm.client_host.pid_of(process), signal.SIGKILL)
        process.wait(timeout=30)

    def shows(self, condition, what, seconds=30):
        lines = self.terminal.wait_shown(condition, what, seconds)
        self.assertEqual([], [line for line in lines if len(line) >= self.terminal.columns])
        return lines

    def assert_given_back(self, before):
        display = self.terminal.display()
        self.assertEqual((False, True), (display.alternate, display.cursor))
        self.assertEqual(["$ kiln top"], display.shown()[:1])
        self.assertEqual("", "".join(display.shown()[1:]))
        self.assertEqual(before, self.terminal.settings())

    def leave(self, before, keys=b"q"):
        self.terminal.type(keys)
        self.assertEqual(0, self.process.wait(timeout=30))
        self.assert_given_back(before)

    def sleeping(self, count):
        """Tasks that last until the test ends."""
        for number in range(count):
            call = self.farm.start_client(["kiln", "run", "--", "sleep", f"36{number:02}"])
            self.addCleanup(self.end, call)

    def test_nodes_and_tasks_move_with_the_load(self):
        before = self.start("--interval", "200ms")
        lines = self.shows(begins("w1"), "the nodes")
        self.assertRegex(lines[0], r"^farm ready at \S+  nodes 2/2  1 pool ")
        self.assertTrue(self.terminal.display().alternate)
        self.assertFalse(self.terminal.display().cursor)
        self.shows(has(f"# 0/{SLOTS} busy"), "an idle farm")
        self.shows(begins("no", "tasks"), "no tasks")
        build = Rounds(self.farm, self.farm.directory / "projects" / "top")
        self.shows(lambda lines: any(re.search(r"^ *\d+ ms +w[01] .*f\d+\.c", line)
                                     for line in lines), "a task of the build", 90)
        self.shows(lambda lines: any(re.search(rf"# [1-9]/{SLOTS} busy", line)
                                     for line in lines), "busy slots")
        self.shows(lambda lines: any(re.search(r"[1-9]\d*\.\d tasks/s", line)
                                     for line in lines), "a rate")
        self.shows(lambda lines: any(re.search(r"^w[01] +\[#+[^#]*\]", line)
                                     for line in lines), "a node's slots")
        self.assertEqual([], build.end())
        self.shows(has(f"# 0/{SLOTS} busy"), "an idle farm")
        self.leave(before)
        # Colours besides, but none without which it could not be read.
        self.assertTrue({7, 31, 32, 33} & self.terminal.display().looks)

    def test_keys_choose_sort_and_scroll(self):
        self.sleeping(SLOTS)
        before = self.start(lines=14)
        self.shows(has("more tasks"), "more tasks than there is room for")
        self.terminal.type(b"n")
        lines = self.shows(lacks("POOL"), "the nodes alone")
        self.assertTrue(has("NODE↓")(lines))
        self.terminal.type(b"s")
        self.shows(has("BUSY↓"), "the busiest first")
        self.terminal.type(b"nt")
        self.shows(lambda lines: lacks("SLOTS")(lines) and
                   sum("sleep" in line for line in lines) == SLOTS, "tasks alone")
        self.terminal.resize(80, 10)
        first = self.shows(has("… and"), "fewer tasks")
        self.terminal.type(b"j")
        self.shows(has("… 1 before"), "the second one first")
        self.terminal.type(PAGE_DOWN * 5)
        last = self.shows(has(", 0 more"), "the last one")
        self.assertNotEqual(first, last)
        self.terminal.type(PAGE_UP * 5)
        self.shows(has("… and"), "the first one again")
        self.terminal.type(b"?")
        self.shows(has("Keys"), "the keys")
        self.terminal.type(b"?t")
        self.shows(has("SLOTS"), "all tables again")
        self.leave(before, b"\x03")

    def test_it_follows_the_terminals_size_at_once(self):
        # Not for the next look at the farm, which is an hour away.
        before = self.start("--interval", "1h")
        self.shows(has("FREE MEM"), "80 columns")
        for columns, lines, there, gone in ((40, 12, "STATE", "LOAD"),
                                            (200, 50, "ADDRESS", "no such"),
                                            (80, 24, "FREE MEM", "ADDRESS")):
            self.terminal.resize(columns, lines)
            shown = self.terminal.wait_shown(
                lambda now: has(there)(now) and lacks(gone)(now) and len(now) == lines
                and "leave" in now[-1], f"{columns} columns", 10)
            self.assertEqual([], [line for line in shown if len(line) >= columns])
        self.leave(before)

    def test_signals_end_it_and_the_terminal_is_given_back(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with self.subTest(number.name):
                before = self.start()
                self.shows(begins("w1"), "the nodes")
                os.kill(self.farm.client_host.pid_of(self.process), number)
                expected = 0 if number == signal.SIGINT else -number
                self.assertEqual(expected, self.process.wait(timeout=30))
                self.assert_given_back(before)

    def test_it_says_that_the_agent_is_away_and_goes_on_when_it_is_back(self):
        before = self.start("--interval", "200ms")
        self.shows(begins("w1"), "the nodes")
        self.farm.kiln("agent", "stop")
        self.shows(lambda lines: has("farm away")(lines) and has("no agent")(lines),
                   "that there is no agent")
        self.assertIsNone(self.farm.agent_pid(), "it was stopped, and top has started one")
        self.farm.kiln("status")
        self.shows(begins("w1"), "the nodes again")
        self.leave(before)

    def test_it_says_that_the_farm_is_away_and_goes_on_when_it_is_back(self):
        before = self.start("--interval", "200ms")
        self.shows(begins("w1"), "the nodes")
        self.farm.stop_coordinator()
        self.shows(has("farm away"), "that the farm is away")
        self.farm.restart_coordinator()
        self.farm.wait_nodes(2)
        self.shows(begins("w1"), "the nodes again")
        self.leave(before)

    def test_without_colours_it_says_the_same(self):
        before = self.start(env={"NO_COLOR": "1"})
        self.shows(begins("w1"), "the nodes")
        self.leave(before)
        self.assertEqual(set(), self.terminal.display().looks)

    def test_a_dumb_terminal_gets_one_page(self):
        before = self.start(env={"TERM": "dumb"})
        self.assertEqual(0, self.process.wait(timeout=30))
        self.assertNotIn("\x1b", self.terminal.read())
        self.assertIn("w1 ", self.terminal.read())
        self.assertEqual(before, self.terminal.settings())

    def test_without_a_terminal_it_prints_one_page(self):
        self.sleeping(1)
        kilntest.wait_until(lambda: self.farm.kiln("tasks", "--json")["tasks"], "the task")
        done = self.farm.client(["kiln", "top"])
        self.assertEqual((0, b""), (done.returncode, done.stderr))
        lines = done.stdout.decode().splitlines()
        for condition in (begins("farm", "ready"), begins("w0"), begins("w1"), begins("default"),
                          has("sleep")):
            self.assertTrue(condition(lines), lines)
        self.assertEqual([], [line for line in lines if len(line) > 80 or "\x1b" in line])

    def test_json_is_refused(self):
        done = self.farm.client(["kiln", "top", "--json"])
        self.assertEqual(2, done.returncode)
        self.assertIn("kiln nodes --json", " ".join(done.stderr.decode().split()))


if __name__ == "__main__":
    unittest.main()
