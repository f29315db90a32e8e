"""The heaviest inputs and the longest waits: minutes each."""

import hashlib
import os
import unittest

import kilntest

GIB = 1 << 30
END_BYTES = 16 << 20


def hashes_of_ends(path):
    """Of the first and the last bytes of a file."""
    with open(path, "rb") as stream:
        first = stream.read(END_BYTES)
        stream.seek(-END_BYTES, os.SEEK_END)
        return [hashlib.sha256(end).hexdigest() for end in (first, stream.read())]


class HeavyLongTest(kilntest.FarmCase):
    def new_farm(self, **options):
        farm = self.start_farm(**options)
        self.folder = farm.directory / "projects"
        return farm

    def test_10000_files_in_one_build(self):
        farm = self.new_farm(workers=2)
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
        farm = self.new_farm(workers=1, fallback=True)
        farm.prime("gcc")
        (self.folder / "a.h").write_text(f"#warning {'x' * 1_000_000}\n")
        (self.folder / "a.c").write_text('#include "a.h"\n' * 540)  # each says it twice
        said = []
        for call in (["gcc"], ["kiln", "gcc"]):
            text = self.folder / "stderr"
            with open(text, "wb") as stream:
                process = farm.start_client([*call, "-c", "a.c"], stderr=stream)
                self.assertEqual(0, process.wait(timeout=600))
            said.append((os.path.getsize(text), *hashes_of_ends(text)))
            self.assertTrue((self.folder / "a.o").exists())
            (self.folder / "a.o").unlink()
        self.assertGreater(said[0][0], GIB)
        self.assertEqual(said[0], said[1])
        # So much does not travel: the compiler here says it again, and that is remembered.
        why = farm.kiln("why", "a.c", "--json", cwd=self.folder)
        self.assertEqual("local", why["ran"])
        self.assertEqual(1, farm.kiln("stats", "--json")["fallback"]["total"])
        self.assertTrue(farm.workers[0].running)
        farm.prime("gcc")

    def test_without_fallback_a_call_waits_a_while_and_then_says_why(self):
        farm = self.new_farm(workers=0, coordinator=False, fallback=False)
        (self.folder / "a.c").write_text("int a;\n")
        done = farm.client(["kiln", "gcc", "-c", "a.c"], seconds=180)
        self.assertEqual(1, done.returncode)
        self.assertIn(farm.coordinator_endpoint, done.stderr.decode())
        self.assertFalse((self.folder / "a.o").exists())


if __name__ == "__main__":
    unittest.main()
