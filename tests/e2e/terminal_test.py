"""A worker in the foreground of a terminal, as whoever tries Kiln starts one."""

import re
import signal
import subprocess
import unittest

import kilntest
from kilntest import pools
from kilntest.screen import Terminal

# The process of a task is the first of its own, and has the command.
CHILDREN = "cat /proc/{pid}/task/{pid}/children"
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d (debug|info|warning|error) \S")


class TerminalTest(kilntest.FarmCase):
    def start_in_terminal(self, farm):
        """Worker 0, with a terminal of its own to control it: the terminal and the process."""
        worker = farm.workers[0]
        terminal = Terminal()
        self.addCleanup(terminal.close)
        flags = [word for pair in worker.addresses.items() for word in pair]
        process = worker.host.start(["setsid", "--ctty", *worker.argv, *flags],
                                    stdin=terminal.theirs, stdout=terminal.theirs,
                                    stderr=terminal.theirs)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        terminal.started()
        terminal.wait_for("registered")
        farm.wait_nodes(1)
        return terminal, process

    def start_sleeping(self, farm, pool):
        """A task of the pool that sleeps until it is woken, on one of its two executors."""
        pools.create(farm, pool, "--context", pool, "--toolchain", "sleep", "--executors", "2",
                     "--warm", "all")
        call = farm.start_client(["kiln", "run", "--", "sleep", "3600"], env={"KILN_POOL": pool},
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        pools.wait_pool(farm, pool, lambda now: (now["busy"], now["ready"]) == (1, 1),
                        "a busy executor and an idle one")
        return call

    def tasks_with_commands(self, farm):
        """The three tasks, once each runs and has started its command."""
        tasks = farm.kiln("tasks", "--json")["tasks"]

        def has_command(task):
            command = farm.workers[0].host.enter(["sh", "-c", CHILDREN.format(**task)])
            return subprocess.run(command, capture_output=True, check=False).stdout.strip()
        started = [task for task in tasks
                   if task["phase"] == "running" and task.get("pid") and has_command(task)]
        return tasks if len(started) == len(tasks) == 3 else None

    def test_row_8_an_interrupt_at_the_workers_terminal_is_orderly_and_makes_no_noise(self):
        farm = self.start_farm(workers=1, slots=6)
        host, store = farm.workers[0].host, farm.directory / "store0"
        self.assertEqual(0, farm.workers[0].end())
        unused, mounts = pools.passing_of(store), pools.mounts_of(host.pid)
        terminal, process = self.start_in_terminal(farm)
        calls = [self.start_sleeping(farm, context) for context in pools.CONTEXTS]
        tasks = kilntest.wait_until(lambda: self.tasks_with_commands(farm), "the commands")
        before = dict(host.processes())

        terminal.type(b"\x03")
        terminal.wait_for("stopping")
        # It waits for what runs: nothing that the terminal could reach was ended by it.
        self.assertIsNone(process.poll())
        self.assertEqual([task["pid"] for task in tasks],
                         [task["pid"] for task in farm.kiln("tasks", "--json")["tasks"]])
        self.assertEqual(set(), set(before) - set(dict(host.processes())))
        for task in tasks:
            host.run(f"kill -USR1 $({CHILDREN.format(**task)})")
        self.assertEqual([-signal.SIGUSR1] * 3, [call.wait(timeout=30) for call in calls])
        self.assertEqual(0, process.wait(timeout=30))
        lines = terminal.read().replace("^C", "").splitlines()
        self.assertEqual([], [line for line in lines if not LOG_LINE.match(line)])
        self.assertEqual([], host.processes())
        self.assertEqual(mounts, pools.mounts_of(host.pid))
        self.assertEqual(unused, pools.passing_of(store))


if __name__ == "__main__":
    unittest.main()
