"""scripts/bench.sh scrape: what it costs a farm of tasks that do nothing to be scraped each second.
Tasks go on all the while; one second with a scrape and one without make a pair, whose order
changes from pair to pair, so that what drifts drifts for both."""

import argparse
import math
import os
import pathlib
import signal
import statistics
import subprocess
import threading
import time

import kilntest
import pool_report
from pool_report import Row, let_pass

COLUMNS = ("unscraped", "scraped")
ANSWERS = 200  # of each daemon, for the CPU that one takes
CPU_ROUNDS = 7
SLICE_SECONDS = 1.0
WARM_SECONDS = 10
AT_ONCE = 4


class Stream:
    """Tasks that do nothing, several at a time, as long as this is in its context; `count` is how
    many have ended. No process of a client's begins and ends with each: that would be most of
    what is measured, and of its chance."""

    def __init__(self, farm):
        self._farm, self.count = farm, 0
        self._process = self._thread = None

    def __enter__(self):
        program = pathlib.Path(os.environ["KILN_BIN_DIR"]) / "task_stream"
        self._process = self._farm.start_client([program, str(AT_ONCE)], stdout=subprocess.PIPE,
                                                start_new_session=True)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._thread.join()
        self._process.stdout.close()

    def assert_goes_on(self):
        if self._process.poll() is not None:
            raise AssertionError(f"the tasks ended with {self._process.returncode}")

    def _read(self):
        while more := self._process.stdout.read1():
            self.count += more.count(b"\n")


def interval(unscraped, scraped):
    """The change of the mean in %, between the ends of its interval of 95 %."""
    differences = [one - other for one, other in zip(scraped, unscraped)]
    mean = statistics.mean(unscraped)
    middle = 100 * statistics.mean(differences) / mean
    error = 100 * statistics.stdev(differences) / math.sqrt(len(differences)) / mean
    return [middle - 1.96 * error, middle, middle + 1.96 * error]


class ScrapeBench:
    def __init__(self, farm, options):
        self.farm, self.options = farm, options
        self.daemons = [farm.coordinator, *farm.workers]
        self.took = []  # seconds, of each answer
        self.own_cpu = []  # seconds, of this program for one of both
        farm.kiln("run", "--", "true")

    def _scrape(self):
        began = time.thread_time()
        for daemon in self.daemons:
            started = time.monotonic()
            status, _ = daemon.get("/metrics")
            self.took.append(time.monotonic() - started)
            if status != 200:
                raise AssertionError(f"{daemon.name} answered {status}")
        self.own_cpu.append(time.thread_time() - began)

    def _slice(self, tasks, column):
        """Tasks each second."""
        tasks.assert_goes_on()
        before, started = tasks.count, time.monotonic()
        if column == "scraped":
            self._scrape()
        let_pass(started + SLICE_SECONDS - time.monotonic())
        return (tasks.count - before) / (time.monotonic() - started)

    def rows(self):
        found = {column: [] for column in COLUMNS}
        with Stream(self.farm) as tasks:
            let_pass(WARM_SECONDS)
            for number in range(self.options.rounds):
                for column in COLUMNS if number % 2 == 0 else reversed(COLUMNS):
                    found[column].append(self._slice(tasks, column))
        yield Row(f"tasks that do nothing, {AT_ONCE} at a time", "1/s", found, COLUMNS)
        change = interval(found["unscraped"], found["scraped"])
        yield Row("change of the mean (95 % interval)", "%", {"scraped": change}, COLUMNS)
        took = [1000 * seconds for seconds in self.took]
        yield Row("one answer meanwhile", "ms", {"scraped": took}, COLUMNS)
        own = [1000 * seconds for seconds in self.own_cpu]
        yield Row("CPU of who scrapes, for both", "ms", {"scraped": own}, COLUMNS)
        yield from self.cpu()

    def cpu(self):
        """What coordinator and worker take for one answer of each, idle time left out: who else
        runs does not change it much. Then what that is of the machine, at one each second."""
        def spent():
            return sum(daemon.metric("process_cpu_seconds_total")
                       for daemon in self.daemons)

        found = []
        for _ in range(CPU_ROUNDS):
            before, started = spent(), time.monotonic()
            for _ in range(ANSWERS):
                for daemon in self.daemons:
                    daemon.get("/metrics")
            answers, window = spent() - before, time.monotonic() - started
            before = spent()
            let_pass(window)
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
    parser.add_argument("--rounds", type=int, default=300, help="pairs of seconds")
    options = parser.parse_args()
    print(f"before the run, in % of a core: {others()}")
    with kilntest.Farm(workers=1, slots=2) as farm:
        pool_report.run(ScrapeBench(farm, options).rows(), options.summary, options.rounds,
                        COLUMNS)


if __name__ == "__main__":
    main()
