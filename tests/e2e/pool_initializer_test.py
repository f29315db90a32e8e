"""The initializer of a pool: what it does wrong reaches whoever made the pool."""

import unittest

import kilntest
from kilntest import pools

NUMBERS = 12_500_000  # of which seq makes 100 MB
BROKEN = ("--toolchain", "sh", "--init", "sh -c 'echo no licence; exit 3'")


class PoolInitializerTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=1)
        cls.folder = cls.farm.directory / "projects"
        cls.farm.prime("gcc")

    def create(self, name, *words):
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", name])
        return pools.create(self.farm, name, *words, "--warm", "all", check=False)

    def broken(self, name):
        pools.wait_pool(self.farm, name, lambda pool: pool["state"] == "broken", "it to break", 60)
        return pools.nodes(self.farm, name)["w0"]

    def test_row_10_a_failing_initializer_breaks_the_pool_and_says_why(self):
        for context in pools.CONTEXTS:
            with self.subTest(context):
                done = self.create(f"r10-{context}", "--context", context, *BROKEN)
                self.assertEqual(1, done.returncode, done.stderr.decode())
                there = self.broken(f"r10-{context}")
                self.assertEqual((0, 3), (there["ready"], there["exit_code"]))
                self.assertIn("no licence", there["output"])
                shown = self.farm.client(["kiln", "pool", "show", f"r10-{context}"])
                self.assertEqual(0, shown.returncode)
                self.assertIn("no licence", shown.stdout.decode())

    def test_row_10_a_broken_pool_can_be_told_to_try_again(self):
        self.create("again", *BROKEN)
        self.broken("again")
        again = self.farm.client(["kiln", "pool", "warm", "again", "all"])
        self.assertEqual(1, again.returncode, "it fails again, but it was tried")
        self.broken("again")

    def test_row_11_a_hanging_initializer_is_killed_at_its_limit(self):
        done = self.create("r11", "--toolchain", "sleep", "--init", "sleep 600", "--init-timeout",
                           "500ms")
        self.assertEqual(1, done.returncode)
        self.assertIn("limit", self.broken("r11")["reason"])
        self.assertEqual([], [line for _, line in self.farm.workers[0].host.processes()
                              if "sleep" in line and "600" in line])

    def test_row_10_an_initializer_that_prints_100_mb_ends_as_it_will(self):
        done = self.create("chatty", "--toolchain", "seq", "--init", f"seq {NUMBERS}")
        self.assertEqual(0, done.returncode, done.stderr.decode())
        there = pools.nodes(self.farm, "chatty")["w0"]
        self.assertEqual(("ready", 2, ""), (there["state"], there["ready"], there["reason"]))
        self.check_end_of_numbers(there["output"])

    def test_row_10_the_last_words_of_one_that_prints_100_mb_and_fails_are_kept(self):
        done = self.create("hoarse", "--toolchain", "awk", "--executors", "1", "--init",
                           f"awk 'BEGIN {{ for (i = 1; i <= {NUMBERS}; ++i) print i; exit 3 }}'")
        self.assertEqual(1, done.returncode, done.stdout.decode())
        there = self.broken("hoarse")
        self.assertEqual((0, 3), (there["ready"], there["exit_code"]))
        self.assertIn("exited with 3", there["reason"])
        self.check_end_of_numbers(there["output"])
        shown = self.farm.client(["kiln", "pool", "show", "hoarse"]).stdout.decode()
        self.assertTrue(shown.endswith(f"    {NUMBERS}\n"), shown)

    def check_end_of_numbers(self, output):
        self.assertLessEqual(len(output), 4096)
        lines = output.split("\n")
        first = int(lines[0])
        self.assertEqual([*map(str, range(first, NUMBERS + 1)), ""], lines)

    def test_row_11_an_initializer_that_prints_for_ever_is_killed_at_its_limit(self):
        done = self.create("endless", "--toolchain", "yes", "--executors", "1", "--init",
                           "yes again", "--init-timeout", "500ms")
        self.assertEqual(1, done.returncode)
        there = self.broken("endless")
        self.assertIn("time limit", there["reason"])
        self.assertLessEqual(len(there["output"]), 4096)
        self.assertIn("again\nagain\n", there["output"])

    def test_row_31_what_an_initializer_prints_is_in_the_pools_log_alone(self):
        for name, code in (("well", 0), ("badly", 3)):
            with self.subTest(name):
                # The words of the definition, which may be told anywhere, do not hold the mark.
                self.create(f"log-{name}", "--toolchain", "sh", "--toolchain", "gcc", "--init",
                            f"sh -c 'echo mark-$((6 * 7))-{name}; exit {code}'")
                mark = f"mark-42-{name}"
                self.assertEqual(f"{mark}\n",
                                 pools.nodes(self.farm, f"log-{name}")["w0"]["output"])
                shown = self.farm.client(["kiln", "pool", "show", f"log-{name}"])
                self.assertIn(mark, shown.stdout.decode())
                self.assertNotIn(mark, self.farm.workers[0].log.read_text(errors="replace"))
        (self.folder / "log.c").write_text("#warning noise\n")
        done = pools.compile_in(self.farm, "log-well", ["gcc", "-c", "log.c"], check=True)
        self.assertEqual("w0", pools.ran_on(self.farm, "log.c"))
        self.assertIn(b"noise", done.stderr)
        self.assertNotIn(b"mark", done.stdout + done.stderr)

    def test_what_an_initializer_leaves_running_is_gone(self):
        done = self.create("daemon", "--toolchain", "sh",
                           "--init", "sh -c '(while :; do :; done) & exit 0'")
        self.assertEqual(0, done.returncode, done.stderr.decode())
        kilntest.wait_until(
            lambda: not [line for _, line in self.farm.workers[0].host.processes()
                         if "while :" in line], "the daemon to be gone")

    def test_an_initializer_that_ends_well_makes_a_warm_pool(self):
        for context in pools.CONTEXTS:
            with self.subTest(context):
                name = f"well-{context}"
                done = self.create(name, "--context", context, "--toolchain", "gcc",
                                   "--init", "gcc --version", "--probe",
                                   "gcc -ffreestanding -x c -c /dev/null -o /tmp/o")
                self.assertEqual(0, done.returncode, done.stderr.decode())
                there = pools.nodes(self.farm, name)["w0"]
                self.assertEqual(2, there["ready"])
                self.assertGreater(there["initialise_ms"], 0)

    def test_tasks_of_a_broken_pool_fail_with_its_name_and_not_by_hanging(self):
        self.create("bad", *BROKEN)
        self.broken("bad")
        (self.folder / "bad.c").write_text("int bad;\n")
        done = pools.compile_in(self.farm, "bad", ["gcc", "-c", "bad.c"], seconds=100)
        self.assertEqual(1, done.returncode)
        self.assertIn("bad", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
