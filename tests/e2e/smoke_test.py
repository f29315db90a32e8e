"""One file through a coordinator, a worker and an agent on this machine: no root needed."""

import unittest

import kilntest


class SmokeTest(unittest.TestCase):
    def test_one_file_compiles_elsewhere_and_equals_a_local_object(self):
        with kilntest.Farm(workers=1, isolated=False) as farm:
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
            stats = farm.kiln("stats", "--json")
            self.assertEqual((1, 0, 0), tuple(
                stats[name]["total"] for name in ("remote", "fallback", "failed")))


if __name__ == "__main__":
    unittest.main()
