"""A farm takes everything of it away, also when something of it hangs."""

import os
import pathlib
import signal
import subprocess
import sys
import unittest
from unittest import mock

import kilntest


TERMINATED = """
import os, signal, kilntest, unittest
class Case(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=0, isolated=False)
    def runTest(self):
        print(self.farm.directory, self.farm.coordinator.pid, flush=True)
        both = {signal.SIGTERM, signal.SIGHUP}
        signal.pthread_sigmask(signal.SIG_BLOCK, both)
        for number in both:
            os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
unittest.main()
"""


class FarmTest(unittest.TestCase):
    def test_an_agent_that_hangs_is_killed_and_the_rest_ends_too(self):
        farm = kilntest.Farm(workers=1, isolated=False)
        farm.__enter__()
        farm.kiln("status", "--json")
        agent = farm.agent_pid()
        os.kill(agent, signal.SIGSTOP)
        with mock.patch("kilntest.farm.AGENT_SECONDS", 1), \
                self.assertRaisesRegex(AssertionError, "did not end"):
            farm.__exit__(None, None, None)
        self.assertFalse(farm.coordinator.running or farm.workers[0].running)
        self.assertFalse(farm.directory.exists())
        kilntest.wait_until(lambda: not pathlib.Path(f"/proc/{agent}").exists(), "the agent to end")

    def test_a_terminated_test_leaves_nothing(self):
        done = subprocess.run([sys.executable, "-B", "-c", TERMINATED], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False)
        directory, pid = done.stdout.decode().split("\n")[0].split()
        self.assertNotEqual(0, done.returncode)
        self.assertFalse(pathlib.Path(directory).exists())
        kilntest.wait_until(lambda: not pathlib.Path("/proc", pid).exists(), "its daemon to end")

    def test_a_failed_test_shows_the_logs_and_a_good_one_does_not(self):
        class Inner(kilntest.FarmCase):
            def runTest(self):
                farm = self.start_farm(workers=0, isolated=False)
                self.assertEqual(self.wanted, farm.count)

        for wanted, shown in ((1, 1), (0, 0)):
            case = Inner()
            case.wanted = wanted
            with mock.patch("kilntest.farm.Farm.report") as report:
                case.run(unittest.TestResult())
            self.assertEqual(shown, report.call_count)


if __name__ == "__main__":
    unittest.main()
