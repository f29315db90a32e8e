"""How real projects are built: with which commands, for any compiler, flags and launcher."""

import dataclasses
import pathlib
import shutil

from kilntest import sources
from kilntest.compare import Snapshot

JOBS = 4
BUILD_SECONDS = 3600  # Kiln by g++ takes a third of it on two idle cores
C_AND_CXX = {"gcc": ("gcc", "g++"), "clang": ("clang", "clang++")}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """`configure` and `build` give command lines; a tuple's second member is the folder below the
    project's. `launcher` is a list of words before the compiler."""

    package: str
    configure: object
    build: object


def _lua_configure(tree, compiler, flags, launcher):
    shim = tree / "compile-only"  # stands in for libtool: the objects, not the libraries
    shim.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    shim.chmod(0o755)
    # Debian's build makes this header (debian/rules).
    (tree / "src" / "lua5.4-deb-multiarch.h").write_text(
        '#define DEB_HOST_MULTIARCH "x86_64-linux-gnu"\n')
    return []  # nothing to run


def _lua_build(tree, compiler, flags, launcher):
    # Debian's rules compile each file twice, as C and as C++.
    wanted = sorted(path.stem + ".o" for path in (tree / "src").glob("*.c"))
    c, cxx = C_AND_CXX[compiler]
    return [(["make", f"-j{JOBS}", "LIBTOOL=../compile-only", f"CC={_call(c, launcher)}",
              f"CXX={_call(cxx, launcher)}",
              f"CFLAGS=-Wall -Wextra -DLUA_COMPAT_5_3 -DLUA_USE_LINUX {flags} -MD", *wanted],
             "src")]


def _zlib_configure(tree, compiler, flags, launcher):
    return [(["env", f"CC={compiler}", f"CFLAGS={flags} -MD", "./configure", "--static"], ".")]


def _zlib_build(tree, compiler, flags, launcher):
    return [(["make", f"-j{JOBS}", f"CC={_call(compiler, launcher)}", "libz.a"], ".")]


def _cmake_configure(*options):
    def configure(tree, compiler, flags, launcher):
        c, cxx = C_AND_CXX[compiler]
        words = ["cmake", "-S", ".", "-B", "out", "-G", "Ninja", f"-DCMAKE_C_COMPILER={c}",
                 f"-DCMAKE_CXX_COMPILER={cxx}", f"-DCMAKE_C_FLAGS={flags}",
                 f"-DCMAKE_CXX_FLAGS={flags}", *options]
        if launcher:
            words += [f"-DCMAKE_{language}_COMPILER_LAUNCHER={';'.join(launcher)}"
                      for language in ("C", "CXX")]
        return [(words, ".")]

    return configure


def _ninja_build(*targets):
    def build(tree, compiler, flags, launcher):
        return [(["ninja", f"-j{JOBS}", "-d", "keepdepfile", *targets], "out")]

    return build


def _call(compiler, launcher):
    return " ".join([*launcher, compiler])


RECIPES = {
    "lua": Recipe("lua5.4", _lua_configure, _lua_build),
    "zlib": Recipe("zlib", _zlib_configure, _zlib_build),
    "leveldb": Recipe("leveldb",
                      _cmake_configure("-DLEVELDB_BUILD_TESTS=OFF",
                                       "-DLEVELDB_BUILD_BENCHMARKS=OFF"),
                      _ninja_build("leveldb")),
    # A local build out of a cache of an earlier one would show nothing: no ccache.
    "kiln": Recipe(None, _cmake_configure("-DKILN_CCACHE=OFF"),
                   _ninja_build("kiln", "kiln-agent", "kiln-worker", "kiln-coordinator")),
    "kiln-common": Recipe(None, _cmake_configure("-DKILN_CCACHE=OFF"),
                          _ninja_build("common_base", "common_model", "common_wire")),
}


class Project:
    """One project, compiler and set of flags, built again and again at the same path, because
    debug information names it."""

    def __init__(self, farm, name, compiler, flags):
        self.farm, self.compiler, self.flags = farm, compiler, flags
        self.recipe = RECIPES[name]
        self.source = sources.fetch(self.recipe.package) if self.recipe.package else _own_source()
        self.tree = farm.directory / "projects" / name

    def fresh(self, launcher=()):
        """A clean tree, configured on the client."""
        shutil.rmtree(self.tree, ignore_errors=True)
        ignore = shutil.ignore_patterns("build", ".git", "__pycache__")
        shutil.copytree(self.source, self.tree, symlinks=True, ignore=ignore)
        self.farm.own(self.tree)
        for argv, folder in self.recipe.configure(self.tree, self.compiler, self.flags, launcher):
            self.farm.client(argv, cwd=self.tree / folder, env={"KILN_DISABLE": "1"}, check=True)
        self._refuse_caches()
        # What configuring compiled is not part of the build.
        for path in [*self.tree.rglob("*.o"), *self.tree.rglob("*.d")]:
            path.unlink()

    def _refuse_caches(self):
        for rules in self.tree.rglob("*.ninja"):
            if "ccache" in rules.read_text():
                raise AssertionError(f"{rules} compiles through ccache: that compares nothing")

    def commands(self, launcher=()):
        """(argv, cwd) of each command of the build."""
        steps = self.recipe.build(self.tree, self.compiler, self.flags, launcher)
        return [(argv, self.tree / folder) for argv, folder in steps]

    def build(self, launcher=(), wrap=lambda argv: argv, env=None, check=True):
        """Builds and says what came of it."""
        for argv, cwd in self.commands(launcher):
            self.farm.client(wrap(argv), cwd=cwd, env=env, check=check, seconds=BUILD_SECONDS)
        return self.snapshot()

    def build_local(self):
        self.fresh()
        return self.build()

    def snapshot(self):
        return Snapshot.of(self.tree)


def objects(snapshot):
    return [path for path in snapshot.files if path.endswith(".o")]


def _own_source():
    return pathlib.Path(__file__).resolve().parents[3]
