"""`make demo`, once it is built: what it prints, and that nothing of it stays."""

import ctypes
import os
import pathlib
import re
import subprocess
import unittest

PR_SET_CHILD_SUBREAPER = 36
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "demo.sh"
CLOSING = (r"demo: jobs=(\d+) remote=(\d+) identical=yes local_seconds=[\d.]+ "
           r"kiln_seconds=[\d.]+")


def orphans():
    """The command lines of our children that are alive; the dead are let go."""
    found = []
    for pid in pathlib.Path("/proc/thread-self/children").read_text().split():
        if os.waitpid(int(pid), os.WNOHANG) == (0, 0):
            found.append(pathlib.Path("/proc", pid, "cmdline").read_text().replace("\0", " "))
    return found


class DemoTest(unittest.TestCase):
    def test_its_output_and_its_end(self):
        # What outlives the demonstration becomes our child.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        done = subprocess.run([SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=580, check=False)
        self.assertEqual([], orphans())
        text = done.stdout.decode()
        self.assertEqual((0, ""), (done.returncode, done.stderr.decode()), text)
        lines = text.splitlines()
        closing = re.fullmatch(CLOSING, lines[-1])
        self.assertTrue(closing, lines[-1])
        self.assertEqual(closing[1], closing[2])
        self.assertGreater(int(closing[1]), 20)
        self.assertEqual([], [line for line in lines if len(line) > 80])
        # The table shows the same numbers to people.
        self.assertRegex(text, rf"(?m)^kiln +{closing[1]} .* yes$")


if __name__ == "__main__":
    unittest.main()
