"""Each kind of call that travels gives what a plain local call gives: exit code, both streams, and
every file that it writes, with its mode."""

import shutil
import unittest

import kilntest
from arguments_cases import CALLS, make_tree

EVERYTHING = ("*", ".*")


class ArgumentsTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=2)
        cls.folder = cls.farm.directory / "projects" / "tree"
        cls.farm.prime("gcc", "clang")

    def run_fresh(self, argv, environment):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        make_tree(self.folder)
        done = self.farm.client(argv, cwd=self.folder, env=environment)
        return done, kilntest.Snapshot.of(self.folder, EVERYTHING)

    def remote_calls(self):
        return self.farm.kiln("stats", "--json")["remote"]["total"]

    def check(self, compiler, call):
        local, local_files = self.run_fresh([compiler, *call.argv], call.environment)
        before = self.remote_calls()
        remote, remote_files = self.run_fresh(["kiln", compiler, *call.argv], call.environment)
        ran = "remotely" if self.remote_calls() == before + 1 else self.why()
        self.assertEqual((local.returncode, local.stdout.decode(), local.stderr.decode()),
                         (remote.returncode, remote.stdout.decode(), remote.stderr.decode()))
        self.assertEqual([], kilntest.differences(local_files, remote_files))
        self.assertEqual("remotely", ran)

    def why(self):
        stats = self.farm.kiln("stats", "--json")
        return {kind: stats[kind] for kind in ("local", "fallback", "failed")}

    def check_all(self, compiler):
        for call in CALLS:
            if call.only in ("", compiler):
                with self.subTest(call.name, compiler=compiler):
                    self.check(compiler, call)

    def test_gcc(self):
        self.check_all("gcc")

    def test_clang(self):
        self.check_all("clang")


if __name__ == "__main__":
    unittest.main()
