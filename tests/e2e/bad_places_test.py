"""Places on the client where a compile cannot read or write: the same exit code, text and files as
from a local call. Everything runs as an ordinary user, to whom permissions apply."""

import os
import pathlib
import re
import unittest

import kilntest
from kilntest.farm import ORDINARY_USER

BIG_C = "char big[4 << 20] = {1};\n"
RANDOM = r"\bcc\w{6}\b|-[0-9a-f]{6,8}\b|\b0x[0-9a-f]+\b"
OLD_OBJECT = "what an earlier call wrote\n"


class BadPlacesTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=1, fallback=True, user=ORDINARY_USER)
        cls.farm.prime("gcc", "clang")
        cls.folder = cls.farm.directory / "projects"
        (cls.folder / "good.c").write_text("int good;\n")
        (cls.folder / "big.c").write_text(BIG_C)

    def owned(self, name, mode=0o755):
        folder = self.folder / name
        folder.mkdir()
        os.chown(folder, ORDINARY_USER, ORDINARY_USER)
        folder.chmod(mode)
        return folder

    def said(self, call, folder):
        """(exit code, stdout, stderr without names and addresses that are random, files)."""
        done = self.farm.client(call, cwd=folder)
        text = re.sub(RANDOM, "RANDOM", done.stderr.decode())
        # A file on another host's disk is seen from there.
        listing = self.farm.client(["sh", "-c", "for f in $(find . -type f | sort); do echo $f; "
                                    "cksum <$f; done 2>&1"], cwd=folder).stdout.decode()
        return done.returncode, done.stdout, text, listing

    def assert_alike(self, compiler, arguments, folder, prepare=lambda: None, mentions=None):
        found = []
        for launcher in ([], ["kiln"]):
            prepare()
            found.append(self.said([*launcher, compiler, *arguments], folder))
        self.assertEqual(found[0], found[1])
        self.assertNotEqual(0, found[0][0])
        if mentions:
            self.assertIn(mentions, found[0][2])

    def test_a_source_and_a_header_that_cannot_be_read(self):
        folder = self.owned("unreadable")
        (folder / "a.c").write_text('#include "a.h"\n')
        (folder / "a.h").write_text("int a;\n")
        for name in ("a.c", "a.h"):
            (folder / name).chmod(0)
            for compiler in ("gcc", "clang"):
                with self.subTest(name, compiler=compiler):
                    self.assert_alike(compiler, ["-c", "a.c"], folder)
            (folder / name).chmod(0o644)

    def test_a_folder_that_cannot_be_written(self):
        folder = self.owned("locked", 0o555)
        (folder / "a.c").write_text("int a;\n")
        for compiler in ("gcc", "clang"):
            with self.subTest(compiler):
                self.assert_alike(compiler, ["-c", "a.c"], folder)
                self.assert_alike(compiler, ["-MD", "-c", "a.c", "-o", "/proc/no/a.o"], folder)

    def test_an_old_object_that_cannot_be_replaced(self):
        folder = self.owned("kept", 0o555)
        (folder / "a.c").write_text("int a;\n")
        (folder / "a.o").write_text(OLD_OBJECT)  # root's
        for compiler in ("gcc", "clang"):
            with self.subTest(compiler):
                self.assert_alike(compiler, ["-c", "a.c"], folder)
                self.assertEqual(OLD_OBJECT, (folder / "a.o").read_text())

    def test_a_build_directory_without_room(self):
        folder = self.owned("full")
        self.farm.client_host.run(
            f"mount -t tmpfs -o size=1m,mode=755,uid={ORDINARY_USER} none {folder}")
        self.farm.client(["cp", str(self.folder / "big.c"), "a.c"], cwd=folder, check=True)
        for compiler in ("gcc", "clang"):
            with self.subTest(compiler):
                self.assert_alike(
                    compiler, ["-c", "a.c"], folder,
                    lambda: self.farm.client(["rm", "-f", "a.o"], cwd=folder, check=True))
        # With room again, the same call goes well, and there.
        self.farm.client_host.run(f"mount -o remount,size=32m {folder}")
        before = sum(self.farm.completed())
        self.farm.client(["kiln", "gcc", "-c", "a.c"], cwd=folder, check=True)
        kilntest.wait_until(lambda: sum(self.farm.completed()) == before + 1, "one more task", 5)

    def test_a_temporary_directory_that_is_not_there(self):
        folder = self.owned("no-temporary")
        (folder / "a.c").write_text("int a;\n")
        env = {"TMPDIR": str(pathlib.Path("/proc/no"))}
        self.farm.client(["kiln", "gcc", "-c", "a.c"], cwd=folder, env=env, check=True)


if __name__ == "__main__":
    unittest.main()
