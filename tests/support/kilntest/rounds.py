"""A build that goes on, round after round, while things happen to its farm. No job of it may fail
or run here: it has no fallback."""

from kilntest.compare import Snapshot, differences
from kilntest.waiting import wait_until

FILES = 160
SOURCE = "int twice{0}(int n) {{ return 2 * n + {0}; }}\n"
MAKEFILE = """all: $(patsubst %.c,%.o,$(wildcard f*.c))
%.o: %.c
\t@$(CC) -O2 -c $< -o $@
"""
LOOP = """set -e
while [ ! -e enough ]; do
  make -s -j4 CC='kiln gcc'
  rm -f *.o
done
make -s -j4 CC='kiln gcc'
"""


class Rounds:
    """`client` is a Farm, or what builds like one: its start_client, client and kiln. A round has
    as many jobs as `files`."""

    def __init__(self, client, folder, files=FILES):
        self.client, self.folder = client, folder
        folder.mkdir()
        for number in range(files):
            (folder / f"f{number}.c").write_text(SOURCE.format(number))
        (folder / "Makefile").write_text(MAKEFILE)
        (folder / "loop").write_text(LOOP)
        self.process = client.start_client(["sh", "loop"], cwd=folder)

    def remote(self):
        """Jobs that ran remotely so far."""
        return self.client.kiln("stats", "--json")["remote"]["total"]

    def goes_on(self, jobs=40, seconds=90):
        """Waits until so many more jobs have run."""
        before = self.remote()
        wait_until(lambda: self.remote() >= before + jobs, f"{jobs} more jobs to run", seconds,
                   alive=self._ended)

    def _ended(self):
        code = self.process.poll()
        return None if code is None else f"the build ended with {code}"

    def end(self):
        """Lets the round end; what was wrong with any of them, as a list of words."""
        (self.folder / "enough").touch()
        wrong = []
        if (code := self.process.wait(timeout=180)) != 0:
            wrong.append(f"it ended with {code}")
        stats = self.client.kiln("stats", "--json")
        wrong += [f"{stats[name]['total']} {name}: {stats[name]['reasons']}"
                  for name in ("fallback", "failed") if stats[name]["total"]]
        through = Snapshot.of(self.folder)
        self.client.client(["make", "-s", "-B", "-j4", "CC=gcc"], cwd=self.folder, check=True)
        return wrong + differences(Snapshot.of(self.folder), through)
