"""Whole builds of lua 5.4, by every contender in turn: wall time, CPU on the client, bytes on its
cable, and whether the objects are those of a local build."""

import dataclasses
import pathlib
import resource
import shutil
import statistics
import time

import kilntest
from kilntest import sources
from report import Row

JOBS = 4
PACKAGE = "lua5.4"
WARNINGS = "-Wall -Wextra -DLUA_COMPAT_5_3 -DLUA_USE_LINUX -MD"

# One rule for all files: lua's own Makefile compiles some with other options, and Debian's each
# one twice.
MAKEFILE = """\
all: $(OBJECTS)
%.o: %.c
\t$(CC) $(CFLAGS) -c $< -o $@
"""


@dataclasses.dataclass(frozen=True)
class Build:
    wall_seconds: float
    cpu_seconds: float  # of everything on the client
    moved_bytes: int  # in and out of the client
    snapshot: kilntest.Snapshot


class Builds:
    """`files`: how many of lua's files, None for all."""

    def __init__(self, farm, files=None):
        self.farm = farm
        self.tree = farm.directory / "projects" / PACKAGE
        shutil.copytree(sources.fetch(PACKAGE) / "src", self.tree)
        (self.tree / "bench.mk").write_text(MAKEFILE)
        # Debian's build makes this header (debian/rules).
        (self.tree / "lua5.4-deb-multiarch.h").write_text(
            '#define DEB_HOST_MULTIARCH "x86_64-linux-gnu"\n')
        self.objects = sorted(path.stem + ".o" for path in self.tree.glob("*.c"))[:files]

    def compare(self, contenders, compiler, level, rounds):
        """Rows of one compiler and optimisation level. One warm-up each, in which toolchains travel
        and caches fill; then the rounds, each begun by another contender."""
        for peer in contenders:
            self._build(peer, compiler, level)
        found = {peer.name: [] for peer in contenders}
        for number in range(rounds):
            first = number % len(contenders)
            for peer in contenders[first:] + contenders[:first]:
                found[peer.name].append(self._build(peer, compiler, level))
        return self._rows(found, f"{compiler} {level}")

    def _build(self, peer, compiler, level):
        for pattern in ("*.o", "*.d"):
            for path in self.tree.glob(pattern):
                path.unlink()
        argv = ["make", "-s", f"-j{JOBS}", "-f", "bench.mk",
                f"CC={' '.join([*peer.launcher, compiler])}", f"CFLAGS={WARNINGS} {level}",
                f"OBJECTS={' '.join(self.objects)}"]
        cpu, moved, started = self._cpu(peer), self._moved(), time.monotonic()
        self.farm.client(argv, cwd=self.tree, env=peer.environment_of(compiler), check=True)
        wall = time.monotonic() - started
        return Build(wall, self._cpu(peer) - cpu, self._moved() - moved,
                     kilntest.Snapshot.of(self.tree))

    def _cpu(self, peer):
        """make with all it started and waited for, and the daemons on the client."""
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime + peer.daemon_cpu()

    def _moved(self):
        """In and out of the client's only cable, headers and all."""
        counters = pathlib.Path(f"/proc/{self.farm.client_host.pid}/net/dev").read_text()
        line = next(line for line in counters.splitlines() if "eth0" in line)
        fields = line.partition(":")[2].split()
        return int(fields[0]) + int(fields[8])

    def _rows(self, found, title):
        def row(name, unit, value, spread=False):
            return Row(f"{title}: {name}", unit, {
                peer: [value(build) for build in builds] for peer, builds in found.items()}, spread)

        count = len(self.objects)
        local = statistics.median(build.wall_seconds for build in found["local"])
        reference = found["local"][0].snapshot
        return [
            row("wall", "s", lambda build: build.wall_seconds, spread=True),
            row("wall over local", "%", lambda build: 100 * (build.wall_seconds / local - 1)),
            row("client CPU per file", "ms", lambda build: 1000 * build.cpu_seconds / count),
            row("bytes moved per file", "KiB", lambda build: build.moved_bytes / 1024 / count),
            row("files unlike local", "", lambda build: len(
                kilntest.differences(reference, build.snapshot)))]
