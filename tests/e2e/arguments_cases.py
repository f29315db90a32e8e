"""Compiler calls that travel, and the small tree of sources that they are about."""

import dataclasses
import os
import pathlib

LONG_NAME = "n" * 253 + ".c"  # with its object's name the longest that a file may have


@dataclasses.dataclass(frozen=True)
class Call:
    """What stands after the compiler's name, and what is added to its environment. `only` names
    the one compiler that knows it."""

    name: str
    argv: tuple
    environment: dict = dataclasses.field(default_factory=dict)
    only: str = ""


SOURCES = {
    "plain.c": "int plain(void) { return 1; }\n",
    "main.c": '#include "include/a.h"\n#include <stddef.h>\n'
              "int main(void) { return (int)sizeof(size_t) + A; }\n",
    "main.cc": '#include <vector>\n#include "include/a.h"\n'
               "std::vector<int> v() { return {A, 2}; }\n",
    "warn.c": '#include <sys.h>\n#define UNUSED_HERE 1\n'
              "int f(int x, int y) {\n  int z;\n  switch (x) {\n    case 1:\n      x = 2;\n"
              "      /* fallthrough */\n    case 2:\n      x = 3;\n"
              "    default:\n      x = 4;\n  }\n"
              "  return x + DIVIDES;\n};\n",
    "searched.c": '#include "q.h"\n#include <sys.h>\n#include <after.h>\n'
                  "int searched = Q + SYS + AFTER;\n",
    "found.c": "#include <sys.h>\nint found = SYS;\n",
    "rooted.c": "#include <only.h>\nint rooted = ONLY;\n",
    "forced.c": "int forced_value = FORCED + MACRO;\n",
    "twins.c": '#include "twin1/once.h"\n#include "twin2/once.h"\nint twins = TWIN;\n',
    "hard.c": '#include "hard1.h"\n#include "hard2.h"\nint hard = HARD;\n',
    "defined.c": "const char* text = TEXT;\n",
    "dated.c": 'const char* date = __DATE__ " " __TIME__;\n',
    "with space.c": "int space;\n",
    "ünï.c": "int unicode;\n",
    "-dash.c": "int dash;\n",
    LONG_NAME: "int long_name;\n",
    "include/a.h": "#define A 1\n",
    "sysinc/sys.h": "#define SYS 2\n#define DIVIDES (1 / 0)\n",
    "quote/q.h": "#define Q 3\n",
    "after/after.h": "#define AFTER 4\n",
    "root/usr/include/only.h": "#define ONLY 5\n",
    "forced.h": "#define FORCED 6\n",
    "macros.h": "#define MACRO 7\nint not_taken;\n",
    "twin1/once.h": "#pragma once\n#define TWIN 1\n",
    "twin2/once.h": "#pragma once\n#define TWIN 1\n",
    "hard1.h": "#pragma once\n#define HARD 8\n",
    "args.rsp": "-O1 @nested.rsp\n",
    "nested.rsp": '-DTEXT="\\"from a file\\"" -Iinclude\n',
    "ignored.txt": "fun:plain\n",
    "some.specs": "*cpp_options:\n+ -DTEXT=\\\"spec\\\"\n",
}

CALLS = (
    Call("an object", ("-c", "main.c")),
    Call("debugging", ("-g", "-O2", "-c", "main.c", "-o", "out/main.o")),
    Call("assembly", ("-S", "main.c")),
    Call("assembly by name", ("-O1", "-S", "main.c", "-o", "out/x.s")),
    Call("several sources", ("-c", "main.c", "plain.c")),
    Call("a depfile", ("-MD", "-c", "main.c", "-o", "out/main.o")),
    Call("a depfile in detail", ("-MMD", "-MF", "out/m.d", "-MT", "a target", "-MQ", "b$c", "-MP",
                                 "-c", "main.c")),
    Call("a depfile by -Wp", ("-Wp,-MD,out/m.d", "-c", "main.c")),
    Call("a response file", ("@args.rsp", "-c", "defined.c")),
    Call("a language", ("-x", "c++", "-c", "plain.c", "-o", "cxx.o")),
    Call("forced headers", ("-include", "forced.h", "-imacros", "macros.h", "-c", "forced.c")),
    Call("search paths", ("-iquote", "quote", "-isystem", "sysinc", "-idirafter", "after", "-c",
                          "searched.c")),
    Call("no standard headers", ("-nostdinc", "-c", "plain.c")),
    Call("a sysroot", ("--sysroot=root", "-c", "rooted.c")),
    Call("link-time optimisation", ("-flto", "-frandom-seed=1", "-O1", "-c", "main.c")),
    Call("fat objects", ("-flto", "-ffat-lto-objects", "-frandom-seed=1", "-c", "main.c"),
         only="gcc"),
    Call("coverage", ("--coverage", "-frandom-seed=1", "-c", "main.c", "-o", "out/main.o")),
    Call("split debugging", ("-g", "-gsplit-dwarf", "-c", "main.c", "-o", "out/main.o")),
    Call("warnings", ("-Wall", "-Wextra", "-pedantic", "-Wunused-macros", "-Wimplicit-fallthrough",
                      "-isystem", "sysinc", "-c", "warn.c")),
    Call("warnings as errors", ("-Wall", "-Wextra", "-Werror", "-isystem", "sysinc", "-c",
                                "warn.c")),
    Call("narrow messages", ("-Wall", "-Wextra", "-Isysinc", "-c", "warn.c"), {"COLUMNS": "40"}),
    Call("own colours", ("-Wall", "-Isysinc", "-fdiagnostics-color=always", "-c", "warn.c"),
         {"GCC_COLORS": "warning=01;34:locus=01"}),
    Call("two equal headers", ("-c", "twins.c")),
    Call("hard links", ("-c", "hard.c")),
    Call("a linked folder", ("-Ilinked", "-MD", "-include", "a.h", "-c", "plain.c")),
    Call("a quoted macro", ('-DTEXT="a b"', "-c", "defined.c")),
    Call("a name with a space", ("-MD", "-c", "with space.c")),
    Call("a name in UTF-8", ("-MD", "-c", "ünï.c")),
    Call("a name with a dash", ("-c", "./-dash.c")),
    Call("a long name", ("-c", LONG_NAME)),
    Call("C++", ("-x", "c++", "-std=c++17", "-O1", "-g", "-MD", "-c", "main.cc")),
    Call("CPATH", ("-c", "found.c"), {"CPATH": "sysinc"}),
    Call("C_INCLUDE_PATH", ("-c", "found.c"), {"C_INCLUDE_PATH": "sysinc"}),
    Call("CPLUS_INCLUDE_PATH", ("-x", "c++", "-c", "found.c"), {"CPLUS_INCLUDE_PATH": "sysinc"}),
    Call("a time zone", ("-g", "-c", "main.c"), {"TZ": "Asia/Tokyo"}),
    Call("a date that is given", ("-c", "dated.c"), {"SOURCE_DATE_EPOCH": "1000000000"},
         only="gcc"),
    Call("specs", ("-specs=some.specs", "-c", "defined.c"), only="gcc"),
    Call("a list for sanitizers", ("-fsanitize=address", "-fsanitize-ignorelist=ignored.txt", "-c",
                                   "plain.c"), only="clang"),
    Call("profile arcs", ("-fprofile-arcs", "-ftest-coverage", "-frandom-seed=1", "-c", "main.c")),
)


def make_tree(folder):
    """The sources in an empty folder."""
    folder = pathlib.Path(folder)
    for name, text in SOURCES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    os.link(folder / "hard1.h", folder / "hard2.h")
    (folder / "linked").symlink_to("include")
    (folder / "out").mkdir()
