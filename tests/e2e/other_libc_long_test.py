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
PACKAGES = ("clang", "gcc", "libc6-dev", "python3-minimal")
SOURCES = {".c": "#include <stdio.h>\nint twice(int n) { return printf(\"%d\", 2 * n); }\n",
           ".cc": "#include <map>\n#include <string>\nstd::map<std::string, int> m{{\"a\", 1}};\n"}
FLAGS = (("-O0",), ("-O2", "-g", "-Wall"))
CALLS = 3  # of each compile: the first one forked, and ones after a task


def bring_client(folder):
    """kiln and its agent into `folder`/bin, with the libraries and the loader that they were built
    against: the system that they shall run on has others."""
    programs, libraries = folder / "bin", folder / "lib"
    programs.mkdir()
    libraries.mkdir()
    shutil.copy(BIN / "kiln", programs)
    shutil.copy(BIN / "kiln-agent", libraries)
    told = subprocess.run(["ldd", BIN / "kiln-agent"], capture_output=True, text=True, check=True)
    for line in told.stdout.splitlines():
        path = next((word for word in line.split() if word.startswith("/")), None)
        if path:
            shutil.copy(path, libraries)
    loader = next(libraries.glob("ld-linux*"))
    agent = programs / "kiln-agent"
    agent.write_text(f"#!/bin/sh\nexec {loader} --library-path {libraries} {libraries}/kiln-agent "
                     '"$@"\n')
    agent.chmod(0o755)


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
        bring_client(folder)
        for name in ("root", "layer"):
            (folder / name).mkdir()
        base = roots.fetch(release, release, PACKAGES)
        return self.start_farm(
            workers=1, client_root=folder / "root", environment={"PATH": f"{folder}/bin:/usr/bin"},
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
