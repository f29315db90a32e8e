"""Pictures for the documents, of a real farm under load: its live page, `kiln top`, and a trace.
Usage: pictures.py FOLDER PACKAGES"""

import json
import os
import pathlib
import signal
import sys
import urllib.request

from kilntest import Farm, pools, wait_until
from kilntest.chromium import Chromium
from kilntest.large_farm import LargeFarm
from kilntest.screen import Terminal
from viewers import Viewers

WORKERS, SLOTS = 8, 8
# How many jobs of each there are at once. One compiles; the others run tests that mostly wait, so
# that one machine can be a farm of many busy slots.
BUILDS = {"nightly": 16, "feature/arena": 10, "release-2.4": 8}
COMPILES = {"main": 2}
NAMES = ("arena", "buffer", "codec", "digest", "frame", "lexer", "parser", "planner", "queue",
         "reactor", "scanner", "session", "table", "timer", "writer")
FOLDERS = ("core", "net", "codec")
WAITS = """#include <poll.h>
#include <time.h>
int main(int count, char **words) {
  unsigned hash = (unsigned)time(0) * 7919u + (unsigned)count;
  for (char *at = words[0]; *at; ++at) hash = hash * 31 + (unsigned)*at;
  return poll(0, 0, 300 + (int)(hash % 97 * (hash % 41))) != 0;
}
"""
LOOP = """while :; do
  make -s -k -j{jobs} >/dev/null 2>&1
  rm -f */*.o
done
"""
COMPILE = """all: $(patsubst %.c,%.o,$(wildcard */*.c))
%.o: %.c
\t@kiln gcc -O2 -c $< -o $@
"""
TEST = """tests := $(wildcard */*)
.PHONY: all $(tests)
all: $(tests)
$(tests):
\t@kiln run -- $@
"""
SIZES = {"": (1440, 1000), "-narrow": (400, 900)}
LARGE = (1000, 16, 2000)  # nodes, slots of each, tasks a second
WORKED = 240  # points of the series that a picture has at least


def lay_out(farm, name, makefile):
    folder = farm.directory / "projects" / name.replace("/", "-")
    for place in FOLDERS:
        (folder / place).mkdir(parents=True)
        for word in NAMES:
            if makefile is COMPILE:
                (folder / place / f"{word}.c").write_text(f"int {word}(void) {{ return 1; }}\n")
            else:
                os.link(farm.directory / "projects" / "waits", folder / place / f"{word}_test")
    (folder / "Makefile").write_text(makefile)
    return folder


def start_build(farm, name, jobs, makefile):
    folder = lay_out(farm, name, makefile)
    pool = {"KILN_POOL": "cc"} if makefile is COMPILE else {}
    return farm.start_client(["sh", "-c", LOOP.format(jobs=jobs)], cwd=folder,
                             env={"KILN_BUILD": name, **pool}, start_new_session=True)


def start_builds(farm):
    (farm.directory / "projects" / "waits.c").write_text(WAITS)
    farm.client(["gcc", "-O2", "waits.c", "-o", "waits"], check=True)
    return [*(start_build(farm, name, jobs, TEST) for name, jobs in BUILDS.items()),
            *(start_build(farm, name, jobs, COMPILE) for name, jobs in COMPILES.items())]


def live(farm):
    return json.loads(farm.coordinator.get("/api/v1/live")[1])


def worked(farm):
    return sum(point[1] > 0 for point in live(farm)["series"]["points"]) >= WORKED


def shown(browser, address, view, ready, what):
    browser.open("about:blank")
    browser.open(f"{address}/{view}")
    browser.wait(ready, what, 60)


def take_page(browser, address, farm, folder):
    number = next(one["id"] for one in live(farm)["builds"] if one["name"] == "nightly")
    tasks = "document.querySelectorAll('#running tbody tr').length > 3"
    timeline = "/\\d\\d jobs/.test(document.querySelector('.timeline .more')?.innerText)"
    for theme in ("dark", "light"):
        browser.prefer(dark=theme == "dark")
        for suffix, size in SIZES.items():
            browser.resize(*size)
            shown(browser, address, "#/", tasks, "tasks")
            browser.screenshot(folder / f"page-{theme}{suffix}.png")
        browser.resize(*SIZES[""])
        browser.type("b")
        browser.screenshot(folder / f"page-{theme}-builds.png")
        shown(browser, address, f"#/build/{number}", timeline, "the timeline")
        browser.screenshot(folder / f"page-{theme}-timeline.png")


def take_top(browser, viewers, farm, folder):
    terminal = Terminal(columns=110, lines=38)
    top = farm.start_client(["setsid", "--ctty", "kiln", "top"], stdin=terminal.theirs,
                            stdout=terminal.theirs, stderr=terminal.theirs,
                            env={"TERM": "xterm-256color"})
    terminal.started()
    try:
        terminal.wait_shown(lambda lines: "nightly" in "".join(lines) and
                            "  - tasks/s" not in lines[0], "builds, and a rate")
        viewers.picture_terminal(browser, terminal, folder / "top.png")
        terminal.type(b"q")
        terminal.wait_end(top)
    finally:
        terminal.close()


def take_trace(browser, viewers, farm, folder):
    """Of a build from its first to its last job, beside the others."""
    lay_out(farm, "traced", COMPILE)
    farm.client(["make", "-s", "-j6"], cwd=farm.directory / "projects" / "traced",
                env={"KILN_BUILD": "traced"}, check=True)
    trace = farm.client(["kiln", "trace", "traced"], check=True).stdout.decode()
    browser.prefer(dark=False)
    browser.resize(1440, 900)
    viewers.picture_trace(browser, trace, folder / "trace.png")


def take_large(folder):
    """A thousand made-up nodes, of which real pages cannot be had."""
    with LargeFarm(*LARGE) as farm, Chromium() as browser:
        address = f"http://127.0.0.1:{farm.port}"

        def went_on():
            with urllib.request.urlopen(f"{address}/api/v1/live") as answer:
                return len(json.load(answer)["series"]["points"]) >= WORKED
        wait_until(went_on, "the large farm to have worked for a while", 600)
        browser.prefer(dark=True)
        browser.resize(*SIZES[""])
        shown(browser, address, "#/", "document.querySelectorAll('#running tbody tr').length > 3",
              "tasks")
        browser.type("b")
        browser.screenshot(folder / "page-dark-large.png")


def main():
    folder, packages = map(pathlib.Path, sys.argv[1:])
    with Farm(workers=WORKERS, slots=SLOTS, isolated=False) as farm:
        farm.prime("gcc")
        pools.create(farm, "cc", "--context", "forkserver", "--toolchain", "gcc", "--warm", "all",
                     "--min-warm", "3")
        loops = start_builds(farm)
        try:
            wait_until(lambda: worked(farm), "the farm to have worked for a while", 600)
            # Not all is well in a real farm.
            farm.client(["kiln", "drain", "w6"], check=True)
            farm.workers[7].end(signal.SIGKILL)
            wait_until(lambda: live(farm)["farm"]["nodes_lost"] == 1, "a node to be lost", 60)
            address = "http://{}:{}".format(*farm.coordinator.http_address)
            with Chromium() as browser, Viewers(packages) as viewers:
                take_page(browser, address, farm, folder)
                take_top(browser, viewers, farm, folder)
                take_trace(browser, viewers, farm, folder)
        finally:
            for loop in loops:
                os.killpg(loop.pid, signal.SIGKILL)
    take_large(folder)


if __name__ == "__main__":
    main()
