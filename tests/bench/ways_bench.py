"""scripts/bench.sh ways: what keys cost, and the way through the coordinator, beside connections in
the clear; one run, three farms of one worker each on the same cores, in turns."""

import argparse
import os
import pathlib
import time
from contextlib import ExitStack

import kilntest
import pool_report
from pool_report import Row

WAYS = {"clear": {"keys": False, "environment": {"KILN_ROUTE": "direct"}},
        "keys": {"keys": True, "environment": {"KILN_ROUTE": "direct"}},
        "keys, relay": {"keys": True, "environment": {"KILN_ROUTE": "relay"}}}
COLUMNS = tuple(WAYS)
MIB = 1 << 20


class WaysBench:
    def __init__(self, farms, options):
        self.farms, self.options = farms, options
        for farm in farms.values():
            folder = self.folder(farm)
            (folder / "empty.c").write_text("")
            for number in range(options.files):
                (folder / f"f{number}.c").write_text(f"int f{number};\n")
            (folder / "Makefile").write_text(
                "all: $(patsubst %.c,%.o,$(wildcard f*.c))\n%.o: %.c\n\t@$(CC) -c $< -o $@\n")
            farm.prime("gcc")
            farm.kiln("run", "--", "true")

    @staticmethod
    def folder(farm):
        return farm.directory / "projects"

    def compare(self, name, unit, rounds, measure):
        """`measure` gives one value of a farm; the first turn warms and does not count."""
        found = {way: [] for way in WAYS}
        for turn in range(rounds + 1):
            for way, farm in self.farms.items():
                value = measure(farm)
                if turn > 0:
                    found[way].append(value)
        return Row(name, unit, found, COLUMNS)

    def one_call(self, farm):
        started = time.monotonic()
        farm.client(["kiln", "gcc", "-c", "empty.c"], check=True)
        return 1000 * (time.monotonic() - started)

    def tasks_per_second(self, farm):
        started = time.monotonic()
        farm.client(["make", "-s", "-B", "-j4", "CC=kiln gcc"], check=True)
        return self.options.files / (time.monotonic() - started)

    def upload(self, farm):
        """An input that no worker has, of bytes that do not get smaller."""
        (self.folder(farm) / "big").write_bytes(os.urandom(self.options.megabytes * MIB))
        started = time.monotonic()
        farm.client(["kiln", "run", "--input", "big", "--", "true"], check=True)
        return self.options.megabytes / (time.monotonic() - started)

    def rows(self):
        yield self.compare("gcc -c of an empty file", "ms", self.options.calls, self.one_call)
        yield self.compare("files of one line, -j4", "1/s", self.options.rounds,
                           self.tasks_per_second)
        yield self.compare("an input on its way", "MiB/s", self.options.rounds, self.upload)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("summary", type=pathlib.Path, help="JSON to write; ways.md goes beside it")
    parser.add_argument("--rounds", type=int, default=7, help="builds and uploads of each way")
    parser.add_argument("--calls", type=int, default=50, help="single calls of each way")
    parser.add_argument("--files", type=int, default=100, help="of a build")
    parser.add_argument("--megabytes", type=int, default=64, help="of an input")
    options = parser.parse_args()
    with ExitStack() as farms:
        bench = WaysBench({way: farms.enter_context(kilntest.Farm(workers=1, slots=2, **how))
                           for way, how in WAYS.items()}, options)
        pool_report.run(bench.rows(), options.summary, options.rounds, COLUMNS)


if __name__ == "__main__":
    main()
