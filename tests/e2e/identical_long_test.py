"""Identical objects: projects, compilers and levels that the quick test leaves out."""

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

    # All of Kiln is a half hour's build at -O2 -g: each compiler has one level of it, and the quick
    # test and the last one here a part of it at the other.
    def test_kiln_itself_with_gcc(self):
        self.check("kiln", "gcc", "-O2 -g")

    def test_kiln_itself_with_clang(self):
        self.check("kiln", "clang", "-O0")

    def test_a_part_of_kiln_with_clang(self):
        self.check("kiln-common", "clang", "-O2 -g")


if __name__ == "__main__":
    unittest.main()
