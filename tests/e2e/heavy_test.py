"""Inputs that are too big, too many or too bad: a clear end, and nothing is lost by it."""

import unittest

import kilntest

MIB = 1 << 20
# Deep enough that a compiler's parser runs out of stack.
NESTING = 400_000


class HeavyTest(kilntest.FarmCase):
    def one_worker(self, **options):
        farm = self.start_farm(workers=1, **options)
        self.folder = farm.directory / "projects"
        return farm

    def local_and_remote(self, farm, call, output="a.o"):
        """The same call locally and through Kiln: (exit code, object or None) of each."""
        found = []
        for words in (call, ["kiln", *call]):
            done = farm.client(words, seconds=300)
            path = self.folder / output
            found.append((done, path.read_bytes() if path.exists() else None))
            path.unlink(missing_ok=True)
        return found

    def assert_same(self, pair):
        (local, local_object), (remote, remote_object) = pair
        self.assertEqual((local.returncode, local.stderr), (remote.returncode, remote.stderr))
        self.assertIsNotNone(local_object)
        self.assertTrue(local_object == remote_object, "objects differ")

    def assert_still_works(self, farm):
        before = sum(farm.completed())
        (self.folder / "after.c").write_text("int after;\n")
        farm.client(["kiln", "gcc", "-c", "after.c"], check=True)
        kilntest.wait_until(lambda: sum(farm.completed()) == before + 1, "one more task", 5)

    def test_a_source_of_300_megabytes(self):
        farm = self.one_worker()
        farm.prime("gcc")
        with open(self.folder / "a.c", "wb") as source:
            line = b"// " + b"filler " * 160 + b"\n"
            for _ in range(300 * MIB // len(line)):
                source.write(line)
            source.write(b"int a = 1;\n")
        before = sum(farm.completed())
        self.assert_same(self.local_and_remote(farm, ["gcc", "-c", "a.c"]))
        self.assertEqual(before + 1, sum(farm.completed()))

    def test_a_source_with_10000_headers(self):
        farm = self.one_worker()
        farm.prime("gcc")
        headers = self.folder / "headers"
        headers.mkdir()
        for number in range(10_000):
            (headers / f"h{number}.h").write_text(f"#define N{number} {number}\n")
        (self.folder / "a.c").write_text("".join(
            f'#include "headers/h{number}.h"\n' for number in range(10_000)) + "int a = N9999;\n")
        self.assert_same(self.local_and_remote(farm, ["gcc", "-g", "-MD", "-c", "a.c"]))

    def test_a_store_that_is_too_small_for_the_toolchain(self):
        farm = self.one_worker(fallback=True, store_megabytes=24)
        (self.folder / "a.c").write_text("int a;\n")
        self.assert_same(self.local_and_remote(farm, ["gcc", "-c", "a.c"]))
        reasons = farm.kiln("stats", "--json")["fallback"]
        self.assertEqual(1, reasons["total"])
        self.assertTrue(farm.workers[0].running)
        why = farm.kiln("why", "a.c", "--json")
        self.assertEqual("local", why["ran"])
        self.assertIn("No space left", (farm.directory / "logs" / "agent.log").read_text())

    def assert_crashes_alike(self, farm, compiler, says):
        """In both places, and through Kiln on the worker: what `why` remembers is that attempt."""
        (local, _), (remote, _) = self.local_and_remote(farm, [compiler, "-c", "a.c"])
        self.assertNotEqual(0, local.returncode)
        self.assertEqual(local.returncode, remote.returncode)
        self.assertIn(says, remote.stderr)
        why = farm.kiln("why", "a.c", "--json", cwd=self.folder)
        self.assertEqual(("remote", "w0"), (why["ran"], why["node"]))

    def test_a_compiler_that_crashes(self):
        farm = self.one_worker()  # no fallback: a crash is an answer
        farm.prime("gcc", "clang")
        (self.folder / "a.c").write_text(
            "int a = " + "(" * NESTING + "1" + ")" * NESTING + ";\n")
        self.assert_crashes_alike(farm, "gcc", b"internal compiler error")
        (self.folder / "a.c").write_text("#pragma clang __debug parser_crash\n")
        self.assert_crashes_alike(farm, "clang", b"PLEASE submit a bug report")
        self.assert_still_works(farm)


if __name__ == "__main__":
    unittest.main()
