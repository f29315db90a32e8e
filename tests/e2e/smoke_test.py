"""One file through a coordinator, a worker and an agent on this machine: no root needed."""

import os
import unittest

import kilntest
from kilntest.farm import ORDINARY_USER


class SmokeTest(kilntest.FarmCase):
    def compiles_elsewhere_and_equals_a_local_object(self, user):
        farm = self.start_farm(workers=1, isolated=False, user=user)
        folder = farm.directory / "projects"
        (folder / "hello.h").write_text("#define GREETING \"hello\"\n")
        (folder / "hello.c").write_text(
            '#include <stdio.h>\n#include "hello.h"\n'
            "int main(void) { return puts(GREETING); }\n")
        call = ["gcc", "-O2", "-g", "-Wall", "-MD", "-c", "hello.c"]
        farm.client(call, check=True)
        local = kilntest.Snapshot.of(folder)
        for path in local.files:
            (folder / path).unlink()
        done = farm.client(["kiln", *call], check=True)
        self.assertEqual((b"", b""), (done.stdout, done.stderr))
        self.assertEqual([], kilntest.differences(local, kilntest.Snapshot.of(folder)))
        self.assertEqual({"hello.o", "hello.d"}, set(local.files))
        stats = farm.kiln("stats", "--json")
        self.assertEqual((1, 0, 0), tuple(
            stats[name]["total"] for name in ("remote", "fallback", "failed")))
        return farm

    def test_as_whoever_runs_this(self):
        self.compiles_elsewhere_and_equals_a_local_object(None)

    def test_as_an_ordinary_user(self):
        # Where this runs as one, that is what the test above is; root becomes one.
        user = ORDINARY_USER if os.geteuid() == 0 else None
        farm = self.compiles_elsewhere_and_equals_a_local_object(user)
        for pid in (farm.coordinator.pid, farm.workers[0].pid, farm.agent_pid()):
            self.assertNotEqual(0, os.stat(f"/proc/{pid}").st_uid)


if __name__ == "__main__":
    unittest.main()
