"""Compilers that stand on a C library older or newer than the worker's are held before their main
like its own."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import kilntest
from kilntest import pools, roots

BIN = pathlib.Path(os.environ["KILN_BIN_DIR"])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ("clang", "gcc", "libc6-dev", "python3-minimal")
SOURCES = {".c": "#include <stdio.h>\nint twice(int n) { return printf(\"%d\", 2 * n); }\n",
           ".cc": "#include <map>\n#include <string>\nstd::map<std::string, int> m{{\"a\", 1}};\n"}
FLAGS = (("-O0",), ("-O2", "-g", "-Wall"))
CALLS = 3  # of each compile: the first one forked, and ones after a task


def unpack_client(folder):
    """The client that runs on any system, as people unpack it: gives its folder of programs."""
    archive = folder / "client.tar.gz"
    subprocess.run([SOURCE / "scripts" / "pack-client.sh", BIN, archive], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    return next(folder.glob("kiln-client-*")) / "bin"


def other_system(base, root, layer):
    """Setup commands of a client's host: at `root` the system `base`, which stays as it is, with
    this machine's /var/tmp, where the farm is. `layer` takes what is written into it."""
    return [f"mount -t tmpfs none {layer}", f"mkdir {layer}/upper {layer}/work",
            f"mount -t overlay -o lowerdir={base},upperdir={layer}/upper,workdir={layer}/work "
            f"none {root}",
            f"mount --bind /var/tmp {root}/var/tmp", f"mount -t proc none {root}/proc",
            f"mount --bind /dev {root}/dev"]


class OtherLibcTest(kilntest.FarmCase):
    def hold_and_execute(self, release):
        base = roots.fetch(release, release, PACKAGES)
        done = subprocess.run([BIN / "tests_unit_worker_executor", "--gtest_filter=Compilers.*"],
                              env={**os.environ, "KILN_TEST_ROOT": str(base)}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("[  PASSED  ] 4 tests", done.stdout)

    def start_farm_of(self, release):
        """A farm whose client's machine has that release of Debian, and its compilers."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="kt", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, folder)
        programs = unpack_client(folder)
        for name in ("root", "layer"):
            (folder / name).mkdir()
        base = roots.fetch(release, release, PACKAGES)
        return self.start_farm(
            workers=1, client_root=folder / "root", environment={"PATH": f"{programs}:/usr/bin"},
            client_setup=other_system(base, folder / "root", folder / "layer"))

    def forked(self, farm, pool):
        return farm.workers[0].metric("kiln_pool_executed_tasks_total", pool=pool, way="forked")

    def compare(self, farm, compiler, suffix):
        pool = pools.create(farm, compiler.replace("+", "x"), "--context", "forkserver",
                            "--toolchain", compiler, "--warm", "all")
        there = pool["nodes"][0]["pool"]
        self.assertEqual(("ready", "forkserver", ""),
                         (there["state"], there["context"], there["fallback"]))
        folder = farm.directory / "projects"
        (folder / f"a{suffix}").write_text(SOURCES[suffix])
        for flags in FLAGS:
            call = [compiler, *flags, "-c", f"a{suffix}", "-o", "a.o"]
            farm.client(call, check=True)
            local = (folder / "a.o").read_bytes()
            for _ in range(CALLS):
                (folder / "a.o").unlink()
                pools.compile_in(farm, pool["name"], call, check=True)
                self.assertEqual("w0", pools.ran_on(farm, f"a{suffix}"))
                self.assertEqual(local, (folder / "a.o").read_bytes(), call)
        self.assertEqual(CALLS * len(FLAGS), self.forked(farm, pool["name"]))

    def check_farm(self, release):
        farm = self.start_farm_of(release)
        for compiler, suffix in (("clang", ".c"), ("clang++", ".cc"), ("gcc", ".c")):
            with self.subTest(compiler):
                self.compare(farm, compiler, suffix)

    def test_programs_of_an_older_libc_are_held(self):
        self.hold_and_execute("bullseye")

    def test_programs_of_a_newer_libc_are_held(self):
        self.hold_and_execute("trixie")

    def test_a_client_with_an_older_libc_has_its_compiles_forked(self):
        self.check_farm("bullseye")

    def test_a_client_with_a_newer_libc_has_its_compiles_forked(self):
        self.check_farm("trixie")


if __name__ == "__main__":
    unittest.main()
