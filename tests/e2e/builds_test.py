"""Builds through Kiln from the first configure check on, and through an agent that ends."""

import os
import re
import signal
import subprocess
import unittest

import kilntest

LISTS = """
cmake_minimum_required(VERSION 3.20)
project(small C CXX)
include(CheckCSourceCompiles)
include(CheckCXXSourceCompiles)
include(CheckIncludeFile)
include(CheckTypeSize)
include(CheckCCompilerFlag)
check_include_file(unistd.h HAVE_UNISTD)
check_include_file(no/such/header.h HAVE_NO_SUCH_HEADER)
check_c_source_compiles("int main(void) { return __builtin_popcount(3); }" HAVE_POPCOUNT)
check_c_source_compiles("int main(void) { return no_such_function_at_all; }" HAVE_NOTHING)
check_cxx_source_compiles("#include <optional>\\nint main() { std::optional<int> a; }"
                          HAVE_OPTIONAL)
check_type_size("long double" LONG_DOUBLE)
check_c_compiler_flag(-Wlogical-op HAVE_LOGICAL_OP)
check_c_compiler_flag(-Wno-such-warning-at-all-x=3 HAVE_NO_FLAG)
add_library(small STATIC a.c b.cc)
add_executable(program main.cc)
target_link_libraries(program small)
"""
SOURCES = {"a.c": "int a(void) { return 40; }\n",
           "b.cc": "#include <vector>\nint b() { return (int)std::vector<int>(2).size(); }\n",
           "main.cc": 'extern "C" int a();\nint b();\nint main() { return a() + b(); }\n'}

# As configure does it: one name, rewritten again and again, faster than a clock's tick, and
# anything on stderr is a warning to think about.
CONFTESTS = """
for value in 11 12 13 14 15 16 17 18 19 20 21 22; do
  echo "int conftest = $value;" >conftest.c
  $CC -c -g -O2 conftest.c >conftest.out 2>conftest.err && echo "$value: compiles"
  test -s conftest.err && echo "$value: warns"
  cksum <conftest.o
  rm -f conftest.o conftest.err
done
echo "#include <no/such/header.h>" >conftest.c
$CC -c conftest.c >/dev/null 2>conftest.err || echo "no header: $? $(cat conftest.err)"
echo "int x = sizeof(int) == 4 ? 1 : syntax error;" >conftest.c
$CC -c conftest.c >/dev/null 2>conftest.err || echo "no syntax: $? $(cat conftest.err)"
test -f conftest.o && echo "an object of nothing"
echo "int main(void) { return 7; }" >conftest.c
$CC -o conftest conftest.c && ./conftest
echo "runs: $?"
$CC -E conftest.c | grep main
rm -f conftest*
"""
FILES = 60


class ConfigureTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=1)  # no fallback: what is checked is checked remotely
        cls.folder = cls.farm.directory / "projects"
        cls.farm.prime("gcc", "g++")

    def configured(self, *options):
        """What a configure run found out, and the objects and depfiles of the build after it."""
        tree = self.folder / "small"
        tree.mkdir(exist_ok=True)
        for name, text in {**SOURCES, "CMakeLists.txt": LISTS}.items():
            (tree / name).write_text(text)
        self.farm.client(["rm", "-rf", "out"], cwd=tree, check=True)
        self.farm.client(["cmake", "-G", "Ninja", "-S", ".", "-B", "out", "-DCMAKE_C_COMPILER=gcc",
                          "-DCMAKE_CXX_COMPILER=g++", *options], cwd=tree, check=True)
        self.farm.client(["ninja", "-d", "keepdepfile", "-C", "out"], cwd=tree, check=True)
        program = self.farm.client(["out/program"], cwd=tree)
        cache = (tree / "out" / "CMakeCache.txt").read_text()
        checks = re.findall(r"^((?:HAVE_|LONG_DOUBLE)\w*):INTERNAL=(.*)$", cache, re.MULTILINE)
        return checks, program.returncode, kilntest.Snapshot.of(tree / "out")

    def test_cmake_with_its_try_compiles(self):
        checks, returned, local = self.configured()
        self.assertEqual("1", dict(checks)["HAVE_POPCOUNT"])
        self.assertEqual("", dict(checks)["HAVE_NOTHING"])
        before = sum(self.farm.completed())
        again = self.configured("-DCMAKE_C_COMPILER_LAUNCHER=kiln",
                                "-DCMAKE_CXX_COMPILER_LAUNCHER=kiln")
        self.assertEqual((checks, returned), again[:2])
        self.assertEqual(42, returned)
        self.assertEqual([], kilntest.differences(local, again[2]))
        kilntest.wait_until(lambda: sum(self.farm.completed()) >= before + len(SOURCES),
                            "the build's tasks to be counted")
        self.assertEqual(0, self.farm.kiln("stats", "--json")["failed"]["total"])

    def test_a_configure_script(self):
        before = sum(self.farm.completed())
        said = []
        for launcher in ("", "kiln "):
            folder = self.folder / "configure"
            folder.mkdir(exist_ok=True)
            done = self.farm.client(["sh", "-c", CONFTESTS], cwd=folder,
                                    env={"CC": f"{launcher}gcc"})
            said.append((done.returncode, done.stdout.decode(), done.stderr.decode()))
        self.assertEqual(said[0], said[1])
        self.assertIn("22: compiles", said[0][1])
        self.assertIn("runs: 7", said[0][1])
        kilntest.wait_until(lambda: sum(self.farm.completed()) >= before + 12, "the tasks of it")


class AgentTest(kilntest.FarmCase):
    def test_a_build_outlives_its_agent(self):
        farm = self.start_farm(workers=2, fallback=True)
        farm.prime("gcc")
        folder = farm.directory / "projects"
        for number in range(FILES):
            (folder / f"f{number}.c").write_text(f"int f{number};\n")
        (folder / "Makefile").write_text(
            "all: $(patsubst %.c,%.o,$(wildcard *.c))\n%.o: %.c\n\t$(CC) -g -c $< -o $@\n")
        farm.client(["make", "-j4", "CC=gcc"], check=True)
        local = kilntest.Snapshot.of(folder)
        before, first = sum(farm.completed()), farm.agent_pid()
        build = farm.start_client(["make", "-B", "-j4", "CC=kiln gcc"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        kilntest.wait_until(lambda: sum(farm.completed()) >= before + 8,
                            "the build to be on its way", 60)
        os.kill(first, signal.SIGKILL)
        self.assertEqual(0, build.wait(timeout=120))
        self.assertEqual([], kilntest.differences(local, kilntest.Snapshot.of(folder)))
        self.assertEqual(FILES, len(local.files))
        self.assertNotIn(farm.agent_pid(), (first, None))
        before = sum(farm.completed())
        farm.prime("gcc")
        kilntest.wait_until(lambda: sum(farm.completed()) > before, "one more task", 5)

    def test_an_idle_agent_ends_and_the_next_call_starts_another(self):
        farm = self.start_farm(workers=1, environment={"KILN_IDLE_TIMEOUT": "1s"})
        farm.prime("gcc")
        first = farm.agent_pid()
        kilntest.wait_until(lambda: farm.agent_pid() is None, "the agent to end", 20)
        before = sum(farm.completed())
        farm.prime("gcc")
        kilntest.wait_until(lambda: sum(farm.completed()) > before, "one more task", 5)
        self.assertNotIn(farm.agent_pid(), (first,))


if __name__ == "__main__":
    unittest.main()
