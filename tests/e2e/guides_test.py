"""docs/guides.md does what it says: its blocks are run word for word."""

import re
import unittest

import kilntest
from kilntest.words import DOCS, blocks

GUIDES = "guides.md"
SOURCES = 12
CMAKE = """cmake_minimum_required(VERSION 3.20)
project(small C CXX)
file(GLOB sources ${CMAKE_SOURCE_DIR}/*.c ${CMAKE_SOURCE_DIR}/*.cc)
add_library(small STATIC ${sources})
"""
MAKEFILE = """CC = gcc
CXX = g++
all: $(patsubst %.c,%.c.o,$(wildcard *.c)) $(patsubst %.cc,%.cc.o,$(wildcard *.cc))
%.c.o: %.c
\t$(CC) -O1 -c $< -o $@
%.cc.o: %.cc
\t$(CXX) -O1 -c $< -o $@
"""


class GuidesTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=2)
        cls.farm.prime("gcc", "g++", "cc", "c++")

    def setUp(self):
        self.folder = self.farm.directory / "projects" / self._testMethodName
        self.folder.mkdir()
        for number in range(SOURCES):
            (self.folder / f"c{number}.c").write_text(f"int c{number};\n")
            (self.folder / f"x{number}.cc").write_text(f"int x{number}();\n")
        (self.folder / "CMakeLists.txt").write_text(CMAKE)
        (self.folder / "Makefile").write_text(MAKEFILE)

    def run_block(self, text, env=None):
        """Runs it, and gives how many tasks it had on the workers."""
        before = sum(self.farm.completed())
        self.farm.client(["sh", "-e"], cwd=self.folder, input=text.encode(), check=True, env=env)
        self.assertEqual(0, self.farm.kiln("stats", "--json")["fallback"]["total"])
        return sum(self.farm.completed()) - before

    def test_cmake_and_ninja(self):
        build, warm = blocks(GUIDES, "CMake and ninja")
        self.assertEqual(2 * SOURCES, self.run_block(build))
        self.run_block(warm)

    def test_make(self):
        plain, links = blocks(GUIDES, "make")
        self.assertEqual(2 * SOURCES, self.run_block(plain))
        self.assertEqual(2 * SOURCES, self.run_block(links))

    def test_ccache_in_front(self):
        (block,) = blocks(GUIDES, "ccache in front")
        cache = {"CCACHE_DIR": self.farm.directory / "ccache"}
        self.assertEqual(2 * SOURCES, self.run_block(block, cache))
        self.assertEqual(0, self.run_block(f"rm -rf cached\n{block}", cache), "it was cached")

    def test_every_table_names_settings_that_there_are(self):
        told = {word for word in re.findall(r"KILN_[A-Z_]+", (DOCS / GUIDES).read_text())}
        known = (DOCS / "operations.md").read_text()
        self.assertEqual(set(), {word for word in told if f"`{word}`" not in known})


if __name__ == "__main__":
    unittest.main()
