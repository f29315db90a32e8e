"""`kiln warm --compile-commands` on a farm that has never seen a compiler: what that build needs is
there before its first job, and nothing else."""

import json
import re
import unittest

import kilntest

# Of a call whose toolchain is there already; gcc's is 31 MB.
LITTLE_BYTES = 200_000
SOURCES = ("one", "two")


class WarmBuildTest(kilntest.FarmCase):
    def setUp(self):
        self.farm = self.start_farm(workers=2)
        self.folder = self.farm.directory / "projects"
        for name in SOURCES:
            (self.folder / f"{name}.c").write_text(f"int {name};\n")
        (self.folder / "db.json").write_text(json.dumps(
            [{"directory": str(self.folder), "file": f"{name}.c",
              "command": f"gcc -c {name}.c -o {name}.o"} for name in SOURCES]))

    def counted(self, name, **labels):
        return [int(worker.metric(name, **labels)) for worker in self.farm.workers]

    def used(self):
        """Tasks of the pool that found it warm, and that did not, on all nodes together."""
        return [sum(self.counted(f"kiln_pool_warm_{word}_total", pool="default"))
                for word in ("hits", "misses")]

    def packaged(self):
        """What the client knows of toolchains: a file for each compiler and each verdict."""
        return sorted(path.name for path in (self.farm.directory / "cache/toolchains").rglob("*"))

    def told(self):
        done = self.farm.kiln("warm", "--compile-commands", "db.json")
        self.assertEqual((0, b""), (done.returncode, done.stderr))
        return done.stdout.decode()

    def test_it_brings_what_the_build_needs_and_the_first_call_finds_it(self):
        self.assertEqual([0, 0], self.counted("kiln_worker_toolchains_staged"))
        told = self.told()
        self.assertRegex(told, r"\Abuild +2 calls, of which 2 travel\n")
        self.assertEqual(["gcc"], re.findall(r"(?m)^build needs +(\S+) [0-9a-f]{12}$", told))
        self.assertEqual([("w0", "2/2"), ("w1", "2/2")],
                         re.findall(r"(?m)^(w\d) +ready +(\d/\d) ", told))
        self.assertNotIn("clang", told)
        self.assertEqual([1, 1], self.counted("kiln_worker_toolchains_staged"))
        self.assertEqual([2, 2], self.counted("kiln_pool_executors", pool="default", state="ready"))

        # The tasks so far were the toolchain's own proofs.
        kilntest.wait_until(lambda: sum(self.used()) == sum(self.farm.completed()),
                            "every proof to be counted")
        hits, misses = self.used()
        completed, packaged = sum(self.farm.completed()), self.packaged()
        sent = self.farm.kiln("stats", "--json")["bytes_sent"]
        for number, name in enumerate(SOURCES, 1):
            self.farm.client(["kiln", "gcc", "-c", f"{name}.c"], check=True)
            kilntest.wait_until(lambda n=number: sum(self.used()) == hits + misses + n,
                                "the call to be counted")
            self.assertEqual([hits + number, misses], self.used())
            self.assertEqual(completed + number, sum(self.farm.completed()), "there was a proof")
        self.assertEqual(packaged, self.packaged())
        self.assertLess(self.farm.kiln("stats", "--json")["bytes_sent"] - sent, LITTLE_BYTES)

    def test_warming_again_brings_nothing(self):
        self.told()
        completed, sent = self.farm.completed(), self.farm.kiln("stats", "--json")["bytes_sent"]
        self.assertIn("build needs  gcc", self.told())
        self.assertEqual(completed, self.farm.completed())
        self.assertLess(self.farm.kiln("stats", "--json")["bytes_sent"] - sent, LITTLE_BYTES)


if __name__ == "__main__":
    unittest.main()
