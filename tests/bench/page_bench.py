"""scripts/bench.sh page: what the live page costs a coordinator with a large farm of made-up
workers, without viewers, with one and with ten, in turns; and what it costs a browser.
docs/benchmarks.md says what is measured and how."""

import argparse
import json
import pathlib
import statistics
import threading
import time

import pool_report
from kilntest import http
from kilntest.chromium import Chromium
from kilntest.hosts import Machine
from kilntest.large_farm import LargeFarm
from kilntest.waiting import wait_until
from pool_report import Row, let_pass

VIEWERS = (0, 1, 10)
COLUMNS = tuple(f"{number} viewer" + ("" if number == 1 else "s") for number in VIEWERS)
SETTLE_SECONDS = 2
PAGES = ("live", "tasks", "timeline")


class Viewer(threading.Thread):
    """Asks as the page does, each second, and throws the answers away."""

    def __init__(self, port, delay, build):
        super().__init__(daemon=True)
        self._port, self._delay, self._build = port, delay, build
        self._over = threading.Event()

    def run(self):
        seq = after = 0
        due = self._delay
        while not self._over.wait(due):
            began = time.monotonic()
            seq = self._number(f"live?since={seq}", "seq")
            self._number("tasks?limit=200", "total")
            after = self._number(f"timeline?build={self._build}&since={after}", "next")
            due = max(0.0, 1 - (time.monotonic() - began))

    def _number(self, page, key):
        _, body = ask(self._port, page)
        # The whole would cost this process more than the answer costs the coordinator.
        found = body.partition(f'"{key}":')[2]
        return int("".join(digit for digit in found[:20] if digit.isdigit()) or 0) if found else 0

    def end(self):
        self._over.set()
        self.join()


def ask(port, page):
    return http.get(Machine(), "127.0.0.1", port, f"/api/v1/{page}", 30)


class PageBench:
    def __init__(self, farm, options):
        self.farm, self.options = farm, options
        self.build = wait_until(self._a_build, "a build", 30)

    def _a_build(self):
        builds = json.loads(ask(self.farm.port, "live")[1])["builds"]
        return builds[0]["id"] if builds else None

    def by_viewers(self):
        """The coordinator's own cost, and how long it takes to answer a worker meanwhile."""
        cpu, median, worst = ({column: [] for column in COLUMNS} for _ in range(3))
        for turn in range(self.options.rounds + 1):
            for number, column in zip(VIEWERS, COLUMNS):
                viewers = [Viewer(self.farm.port, one / max(number, 1), self.build)
                           for one in range(number)]
                for viewer in viewers:
                    viewer.start()
                share, pings = self._watch()
                for viewer in viewers:
                    viewer.end()
                if turn == 0:  # to warm up
                    continue
                cpu[column].append(share)
                median[column].append(statistics.median(ping[0] for ping in pings))
                worst[column].append(statistics.median(ping[1] for ping in pings))
        return [Row("coordinator's CPU, of one core", "%", cpu, COLUMNS),
                Row("answer to a worker's ping, median", "us", median, COLUMNS),
                Row("answer to a worker's ping, 99 %", "us", worst, COLUMNS)]

    def _watch(self):
        let_pass(SETTLE_SECONDS)
        self.farm.take_pings()
        before, began = self.farm.cpu_seconds(), time.monotonic()
        let_pass(self.options.seconds)
        share = (self.farm.cpu_seconds() - before) / (time.monotonic() - began)
        return 100 * share, self.farm.take_pings()

    def answers(self):
        """Milliseconds and KiB of each page: whole, and a second later."""
        rows = []
        for page in PAGES:
            took, sizes = [], []
            asked = f"{page}?build={self.build}" if page == "timeline" else page
            for _ in range(self.options.rounds):
                let_pass(1)
                began = time.monotonic()
                _, body = ask(self.farm.port, asked)
                took.append(1000 * (time.monotonic() - began))
                sizes.append(len(body) / 1024)
            rows += [Row(f"/api/v1/{page}", "ms", {COLUMNS[1]: took}, COLUMNS),
                     Row(f"/api/v1/{page}", "KiB", {COLUMNS[1]: sizes}, COLUMNS)]
        took, sizes = self._updates()
        rows += [Row("/api/v1/live?since=, a second later", "ms", {COLUMNS[1]: took}, COLUMNS),
                 Row("/api/v1/live?since=, a second later", "KiB", {COLUMNS[1]: sizes}, COLUMNS)]
        return rows

    def _updates(self):
        took, sizes = [], []
        seq = json.loads(ask(self.farm.port, "live")[1])["seq"]
        for _ in range(self.options.rounds):
            let_pass(1.05)
            began = time.monotonic()
            _, body = ask(self.farm.port, f"live?since={seq}")
            took.append(1000 * (time.monotonic() - began))
            sizes.append(len(body) / 1024)
            seq = json.loads(body)["seq"]
        return took, sizes

    def browser(self):
        """What the page measures of itself: from the start of its loading to the first view, and
        the script of each update."""
        first, rows = [], []
        for name, view in (("overview", "#/"), ("a build's view", f"#/build/{self.build}")):
            update = []
            for _ in range(self.options.rounds):
                with Chromium() as browser:
                    browser.open(f"http://127.0.0.1:{self.farm.port}/{view}")
                    browser.wait("performance.getEntriesByName('kiln-update-view').length >= 6",
                                 "updates of the page", 60)
                    if view == "#/":
                        first += browser.measures("kiln-first-view")
                    # The first one of each makes the view, and is part of what comes first.
                    halves = [browser.measures(one)[1:] for one in ("kiln-update",
                                                                    "kiln-update-view")]
                    update.append(sum(map(statistics.median, halves)))
            rows.append(Row(f"browser: script of an update, {name}", "ms", {COLUMNS[1]: update},
                            COLUMNS))
        return [Row("browser: first view", "ms", {COLUMNS[1]: first}, COLUMNS), *rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("summary", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5, help="of each turn")
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--tasks", type=int, default=2000, help="that begin in a second")
    options = parser.parse_args()
    with LargeFarm(options.workers, options.slots, options.tasks) as farm:
        bench = PageBench(farm, options)
        rows = (row for part in (bench.by_viewers, bench.answers, bench.browser) for row in part())
        pool_report.run(rows, options.summary, options.rounds, COLUMNS)


if __name__ == "__main__":
    main()
