"""Identical objects: every project, compiler and level that the quick test leaves out."""

import unittest

from identical_cases import IdenticalCase

FLAGS = ("-O0", "-O2 -g")
COMPILERS = ("gcc", "clang")


class LongIdenticalTest(IdenticalCase):
    def check_all(self, name):
        for compiler in COMPILERS:
            for flags in FLAGS:
                with self.subTest(name, compiler=compiler, flags=flags):
                    self.check(name, compiler, flags)

    def test_lua(self):
        self.check_all("lua")

    def test_zlib(self):
        self.check_all("zlib")

    def test_leveldb(self):
        self.check_all("leveldb")

    def test_kiln_itself(self):
        self.check_all("kiln")


if __name__ == "__main__":
    unittest.main()
