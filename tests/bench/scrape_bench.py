"""scripts/bench.sh scrape: what it costs a farm of tasks that do nothing to be scraped each second;
one run, with and without a scraper in turns."""

import argparse
import os
import pathlib
import statistics
import subprocess
import threading
import time
from contextlib import contextmanager

import kilntest
import pool_report
from pool_report import Row

COLUMNS = ("unscraped", "scraped")
ANSWERS = 200  # of each daemon, for the CPU that one takes
SCRAPE_SECONDS = 1.0


class Scraper:
    """Asks each daemon for its metrics each second, while it is in its context."""

    def __init__(self, daemons):
        self.daemons, self._enough = daemons, threading.Event()
        self.took = []  # seconds, of each answer

    def _scrape(self):
        while True:
            for daemon in self.daemons:
                started = time.monotonic()
                status, _ = daemon.get("/metrics")
                self.took.append(time.monotonic() - started)
                if status != 200:
                    raise AssertionError(f"{daemon.name} answered {status}")
            if self._enough.wait(SCRAPE_SECONDS):
                return

    @contextmanager
    def at_work(self):
        self._enough.clear()
        thread = threading.Thread(target=self._scrape)
        thread.start()
        try:
            yield
        finally:
            self._enough.set()
            thread.join()


class ScrapeBench:
    def __init__(self, farm, options):
        self.farm, self.options = farm, options
        self.scraper = Scraper([farm.coordinator, *farm.workers])
        farm.kiln("run", "--", "true")

    def tasks_per_second(self):
        """Of calls that do nothing, four at a time."""
        words = "".join(f"{number}\n" for number in range(self.options.tasks)).encode()
        started = time.monotonic()
        self.farm.client(["xargs", "-P4", "-I{}", "kiln", "run", "--", "true"], check=True,
                         input=words)
        return self.options.tasks / (time.monotonic() - started)

    def turn(self, column):
        if column == "unscraped":
            return self.tasks_per_second()
        with self.scraper.at_work():
            return self.tasks_per_second()

    def rows(self):
        """Each round begins with the other one, so that what drifts drifts for both."""
        found = {column: [] for column in COLUMNS}
        for number in range(self.options.rounds + 1):
            for column in COLUMNS if number % 2 == 0 else reversed(COLUMNS):
                value = self.turn(column)
                if number > 0:  # the first round warms
                    found[column].append(value)
        changes = [100 * (scraped / unscraped - 1)
                   for unscraped, scraped in zip(found["unscraped"], found["scraped"])]
        yield Row("tasks that do nothing, -j4", "1/s", found, COLUMNS)
        yield Row("change, round by round", "%", {"scraped": changes}, COLUMNS)
        yield from self.cpu()
        took = [1000 * seconds for seconds in self.scraper.took]
        yield Row("one answer", "ms", {"scraped": took}, COLUMNS)

    def cpu(self):
        """What coordinator and worker take for one answer of each, idle time left out: who else
        runs does not change it much. Then what that is of the machine, at one each second."""
        def spent():
            return sum(daemon.metric("process_cpu_seconds_total")
                       for daemon in self.scraper.daemons)

        found = []
        for _ in range(self.options.rounds):
            before, started = spent(), time.monotonic()
            for _ in range(ANSWERS):
                for daemon in self.scraper.daemons:
                    daemon.get("/metrics")
            answers, window = spent() - before, time.monotonic() - started
            before = spent()
            threading.Event().wait(window)
            idle = spent() - before
            found.append(1000 * (answers - idle) / ANSWERS)
        yield Row("CPU of both daemons for an answer", "ms", {"scraped": found}, COLUMNS)
        share = [value / 10 / os.cpu_count() for value in found]
        yield Row("the same, each second, of all cores", "%", {"scraped": share}, COLUMNS)


def others():
    """What else runs: the programs that take most of the machine."""
    lines = subprocess.run(["ps", "-eo", "pcpu,comm", "--sort=-pcpu", "--no-headers"],
                           stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return ", ".join(" ".join(reversed(line.split(None, 1))) for line in lines[:5])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("summary", type=pathlib.Path, help="JSON to write, and scrape.md by it")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--tasks", type=int, default=300, help="of a round, each way")
    options = parser.parse_args()
    print(f"before the run, in % of a core: {others()}")
    with kilntest.Farm(workers=1, slots=2) as farm:
        bench = ScrapeBench(farm, options)
        rows = list(bench.rows())
        pool_report.run(rows, options.summary, options.rounds, COLUMNS)
    change = statistics.median(rows[1].samples["scraped"])
    print(f"scraped each second: {change:+.2f} % in the median of {options.rounds} rounds")


if __name__ == "__main__":
    main()
