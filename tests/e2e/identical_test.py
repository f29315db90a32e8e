"""Identical objects: the projects that a quick run has time for."""

import unittest

from identical_cases import IdenticalCase
from kilntest.farm import ORDINARY_USER


class QuickIdenticalTest(IdenticalCase):
    def test_lua_gcc_O0(self):
        self.check("lua", "gcc", "-O0")

    def test_lua_clang_O2_g(self):
        self.check("lua", "clang", "-O2 -g")

    def test_zlib_clang_O0(self):
        self.check("zlib", "clang", "-O0")

    def test_zlib_gcc_O2_g(self):
        self.check("zlib", "gcc", "-O2 -g")

    def test_the_common_part_of_kiln_gcc_O0(self):
        self.check("kiln-common", "gcc", "-O0")

    def test_leveldb_gcc_O0(self):
        self.check("leveldb", "gcc", "-O0")


class OrdinaryUserTest(IdenticalCase):
    """All daemons, the client and its builds as somebody who may do nothing special."""

    user = ORDINARY_USER

    def test_zlib_gcc_O2_g(self):
        self.check("zlib", "gcc", "-O2 -g")


if __name__ == "__main__":
    unittest.main()
