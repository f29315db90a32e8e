"""The heaviest inputs and the longest waits: minutes each."""

import os
import unittest

import kilntest

GIB = 1 << 30


class HeavyLongTest(unittest.TestCase):
    def farm(self, **options):
        farm = kilntest.Farm(**options)
        farm.__enter__()
        self.addCleanup(farm.__exit__, None, None, None)
        self.folder = farm.directory / "projects"
        return farm

    def test_10000_files_in_one_build(self):
        farm = self.farm(workers=2)
        farm.prime("gcc")
        for number in range(10_000):
            (self.folder / f"f{number}.c").write_text(f"int f{number};\n")
        (self.folder / "Makefile").write_text(
            "all: $(patsubst %.c,%.o,$(wildcard *.c))\n%.o: %.c\n\t@$(CC) -c $< -o $@\n")
        before = sum(farm.completed())
        farm.client(["make", "-j8", "CC=kiln gcc"], seconds=3000, check=True)
        remote = kilntest.Snapshot.of(self.folder)
        self.assertEqual(before + 10_000, sum(farm.completed()))
        farm.client(["make", "-B", "-j4", "CC=gcc"], seconds=3000, check=True)
        self.assertEqual([], kilntest.differences(kilntest.Snapshot.of(self.folder), remote))

    def test_a_gigabyte_of_errors(self):
        farm = self.farm(workers=1, fallback=True)
        farm.prime("gcc")
        (self.folder / "a.h").write_text(f"#warning {'x' * 1_000_000}\n")
        (self.folder / "a.c").write_text('#include "a.h"\n' * 540)  # each says it twice
        sizes = []
        for call in (["gcc"], ["kiln", "gcc"]):
            text = self.folder / "stderr"
            with open(text, "wb") as stream:
                process = farm.start_client([*call, "-c", "a.c"], stderr=stream)
                self.assertEqual(0, process.wait(timeout=600))
            sizes.append(os.path.getsize(text))
            self.assertTrue((self.folder / "a.o").exists())
            (self.folder / "a.o").unlink()
        self.assertGreater(sizes[0], GIB)
        self.assertEqual(sizes[0], sizes[1])
        self.assertTrue(farm.workers[0].running)
        farm.prime("gcc")

    def test_without_fallback_a_call_waits_a_while_and_then_says_why(self):
        farm = self.farm(workers=0, coordinator=False, fallback=False)
        (self.folder / "a.c").write_text("int a;\n")
        done = farm.client(["kiln", "gcc", "-c", "a.c"], seconds=180)
        self.assertEqual(1, done.returncode)
        self.assertIn(farm.coordinator_endpoint, done.stderr.decode())
        self.assertFalse((self.folder / "a.o").exists())


if __name__ == "__main__":
    unittest.main()
